"""A reactor that only remembers who reads."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorFDSet, IReadDescriptor, IWriteDescriptor
from zope.interface import implementer


@implementer(IReactorFDSet)
class Readers:
    """`reading` are the descriptors that wait for something to read; nobody ever writes."""

    def __init__(self) -> None:
        self.reading: set[IReadDescriptor] = set()

    def addReader(self, reader: IReadDescriptor) -> None:  # noqa: N802 - as Twisted calls it
        self.reading.add(reader)

    def removeReader(self, reader: IReadDescriptor) -> None:  # noqa: N802 - as Twisted calls it
        self.reading.discard(reader)

    def addWriter(self, writer: IWriteDescriptor) -> None:  # noqa: N802 - as Twisted calls it
        raise NotImplementedError

    def removeWriter(self, writer: IWriteDescriptor) -> None:  # noqa: N802 - as Twisted calls it
        raise NotImplementedError

    def removeAll(self) -> list[IReadDescriptor | IWriteDescriptor]:  # noqa: N802 - as Twisted calls it
        found: list[IReadDescriptor | IWriteDescriptor] = list(self.reading)
        self.reading.clear()
        return found

    def getReaders(self) -> list[IReadDescriptor]:  # noqa: N802 - as Twisted calls it
        return list(self.reading)

    def getWriters(self) -> list[IWriteDescriptor]:  # noqa: N802 - as Twisted calls it
        return []
