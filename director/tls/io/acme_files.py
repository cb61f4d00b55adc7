"""What is kept of ACME in `state_dir/acme`: account keys, certificates, proofs, and when to try again.

    account-DIGEST.pem   the key of the account at one authority (by its directory's URL)
    NAME.pem             chain and key of a certificate, watched like any other file of certificates
    challenges/          proofs, while an order is under way
    tries.json           failures in a row and the next try (Unix time), by certificate

Everything is its owner's alone, and whole at every moment.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

from director.errors import DirectorError
from director.store.io.file import replace
from director.tls.acme.jose import AccountKey
from director.tls.acme.order import Show
from director.tls.acme.proof import HTTP, alpn_pair
from director.tls.io import challenges


class AcmeFiles:
    """The files below one folder; every method raises OSError where the disk does not do what it should."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.proofs = folder / challenges.FOLDER

    def make(self) -> None:
        """The folders; proofs that an earlier process left behind go."""
        self.proofs.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.clear()

    def account(self, directory: str) -> AccountKey:
        """The key for an authority, made when there is none.  Raises DirectorError for one that is none."""
        digest = hashlib.sha256(directory.encode()).hexdigest()[:16]
        path = self.folder / f"account-{digest}.pem"
        try:
            return AccountKey.read(path.read_bytes())
        except FileNotFoundError:
            key = AccountKey.make()
            replace(path, key.pem(), 0o600)
            return key
        except ValueError as error:
            raise DirectorError(f"{path} is no key of an account ({error}); move it away") from error

    def keep(self, path: Path, chain: bytes, key: bytes) -> None:
        """A new certificate takes its place."""
        replace(path, chain.rstrip() + b"\n" + key, 0o600)

    def show(self, step: Show, now: float) -> None:
        """Make a proof visible."""
        if step.kind == HTTP:
            replace(self.proofs / f"{step.token}{challenges.HTTP}", step.authorization.encode("ascii"), 0o600)
        else:
            pair = alpn_pair(step.name, step.authorization, datetime.fromtimestamp(now, UTC))
            replace(self.proofs / f"{step.name}{challenges.ALPN}", pair, 0o600)

    def clear(self) -> None:
        """All proofs go."""
        for path in self.proofs.glob("*"):
            path.unlink(missing_ok=True)

    def tries(self) -> dict[str, tuple[int, float]]:
        """Failures in a row and the next try, by certificate; nothing where the file cannot be read."""
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            found = json.loads((self.folder / "tries.json").read_bytes())
            return {str(name): (int(one[0]), float(one[1])) for name, one in found.items()}
        return {}

    def keep_tries(self, tries: dict[str, tuple[int, float]]) -> None:
        """Over a restart: authorities count failures by the hour."""
        replace(self.folder / "tries.json", json.dumps(tries).encode("ascii"), 0o600)
