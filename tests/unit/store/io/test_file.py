from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from director.errors import StoreError
from director.store.io.file import OrdersFile, replace
from director.store.overlay import Order, Place

ORDERS: dict[Place, Order] = {("web", "a"): {"weight": 3, "state": "drain"}}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_a_file_is_replaced_with_the_rights_asked_for(tmp_path: Path, umask: int) -> None:
    path = tmp_path / "x"
    before = os.umask(umask)
    try:
        replace(path, b"one", 0o640)
        replace(path, b"two", 0o600)
    finally:
        os.umask(before)
    assert (path.read_bytes(), mode(path)) == (b"two", 0o600)
    assert [one.name for one in tmp_path.iterdir()] == ["x"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.mkdir()
    (path / "in the way").touch()
    with pytest.raises(OSError, match="directory"):
        replace(path, b"new", 0o600)
    assert [one.name for one in tmp_path.iterdir()] == ["x"]


def test_orders_outlive_the_one_who_kept_them(tmp_path: Path) -> None:
    first = OrdersFile(tmp_path / "var")
    assert first.read() == {}
    assert first.keep(ORDERS)
    first.sync()
    assert not first.keep(ORDERS), "nothing new to write"
    assert mode(first.path) == 0o640
    again = OrdersFile(tmp_path / "var")
    assert again.read() == ORDERS
    assert not again.keep(ORDERS)
    assert again.keep({})
    assert OrdersFile(tmp_path / "var").read() == {}


def test_without_orders_no_file_is_made(tmp_path: Path) -> None:
    assert not OrdersFile(tmp_path).keep({})
    assert list(tmp_path.iterdir()) == []


def test_a_failure_is_told_and_tried_again(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file where the folder should be")
    orders = OrdersFile(tmp_path / "var")
    assert orders.keep(ORDERS)
    assert orders.failed
    (tmp_path / "var").unlink()
    assert orders.keep(ORDERS)
    assert orders.failed == ""
    assert OrdersFile(tmp_path / "var").read() == ORDERS


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b'{"format": 9}', b" " * ((16 << 20) + 1)])
def test_a_file_that_cannot_be_used_is_set_aside(tmp_path: Path, content: bytes) -> None:
    orders = OrdersFile(tmp_path)
    orders.path.write_bytes(content)
    with pytest.raises(StoreError, match=r"orders\.json cannot be used: .*; it is .*orders\.broken now"):
        orders.read()
    assert not orders.path.exists()
    assert (tmp_path / "orders.broken").read_bytes() == content
    assert orders.keep(ORDERS)
    assert OrdersFile(tmp_path).read() == ORDERS
