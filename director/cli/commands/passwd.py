"""`director passwd USER`: makes the section that lets a user in.

The configuration is the operator's file, so it is printed, never written.
"""

from __future__ import annotations

import getpass
import importlib
import sys

from director.cli.client import Refused
from director.cli.command import Command, argument
from director.cli.invocation import Invocation

SHORTEST = 8


def section(user: str, role: str, password: str) -> str:
    """`[user:NAME]` with an argon2id hash (RFC 9106, the library's defaults)."""
    if len(password) < SHORTEST:
        raise Refused(f"the password needs at least {SHORTEST} characters")
    try:
        argon2 = importlib.import_module("argon2")
    except ImportError as error:
        raise Refused(
            "the package argon2-cffi is missing; install it with: pip install argon2-cffi"
        ) from error
    # `$` begins a variable in the ini, `$$` stands for itself.
    hashed = argon2.PasswordHasher().hash(password).replace("$", "$$")
    return f"[user:{user}]\npassword = {hashed}\nrole = {role}\n"


def ask() -> str:
    """The password: typed twice and not shown, or from a program the first line of the input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("Password: ")
    if first != getpass.getpass("Again: "):
        raise Refused("the two passwords are not the same")
    return first


def run(call: Invocation) -> int:
    """Ask for a password and print the section."""
    return call.show(section(call.options.user, call.options.role, ask()), str)


COMMAND = Command(
    "passwd",
    "Make the section of a user.",
    run,
    (
        argument("user", metavar="USER"),
        argument("--role", choices=("viewer", "operator", "admin"), default="viewer"),
    ),
)
