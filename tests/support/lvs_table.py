"""A `Table` of LVS's commands that keeps nothing: it answers what it was given and notes what it is told."""

from __future__ import annotations

from typing import Any

from director.cli.lvs.table import ConnectionLine, Daemon, Destination, IpvsService, KernelError
from director.model.virtual import Virtual


class RecordingTable:
    """`calls` are the changes that were ordered; `refuse` is the error that the next one gets."""

    def __init__(
        self,
        services: tuple[IpvsService, ...] = (),
        entries: tuple[ConnectionLine, ...] = (),
        daemons: tuple[Daemon, ...] = (),
    ) -> None:
        self.found = services
        self.connections = entries
        self.running = daemons
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.refuse = ""

    def _told(self, name: str, *arguments: Any) -> None:
        if self.refuse:
            raise KernelError(self.refuse)
        self.calls.append((name, arguments))

    def services(self) -> tuple[IpvsService, ...]:
        if self.refuse:
            raise KernelError(self.refuse)
        return self.found

    def service(self, virtual: Virtual) -> IpvsService:
        for one in self.found:
            if one.virtual == virtual:
                return one
        if self.found or self.refuse:
            raise KernelError("ESRCH")
        return IpvsService(virtual)

    def add_service(self, service: IpvsService) -> None:
        self._told("add_service", service)

    def edit_service(self, service: IpvsService) -> None:
        self._told("edit_service", service)

    def delete_service(self, virtual: Virtual) -> None:
        self._told("delete_service", virtual)

    def flush(self) -> None:
        self._told("flush")

    def add_destination(self, virtual: Virtual, destination: Destination) -> None:
        self._told("add_destination", virtual, destination)

    def edit_destination(self, virtual: Virtual, destination: Destination) -> None:
        self._told("edit_destination", virtual, destination)

    def delete_destination(self, virtual: Virtual, destination: Destination) -> None:
        self._told("delete_destination", virtual, destination)

    def zero(self, virtual: Virtual | None) -> None:
        self._told("zero", virtual)

    def timeouts(self) -> tuple[int, int, int]:
        return (900, 120, 300)

    def set_timeouts(self, tcp: int, tcpfin: int, udp: int) -> None:
        self._told("set_timeouts", tcp, tcpfin, udp)

    def entries(self) -> tuple[ConnectionLine, ...]:
        return self.connections

    def daemons(self) -> tuple[Daemon, ...]:
        return self.running

    def start_daemon(self, daemon: Daemon) -> None:
        self._told("start_daemon", daemon)

    def stop_daemon(self, role: str) -> None:
        self._told("stop_daemon", role)

    def size(self) -> int:
        return 4096
