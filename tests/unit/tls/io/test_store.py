from __future__ import annotations

import time
from pathlib import Path

from director.model.tls import Certificate, acme_certificate
from director.tls.io.store import CertificateStore, load, stamp_of
from tests.support.certificates import make, ocsp_response

NOW = time.time()


class Kept:
    """A store with one certificate in files."""

    def __init__(self, folder: Path, days: float = 60) -> None:
        self.folder = folder
        self.certificate = Certificate("shop", str(folder / "shop.crt"), str(folder / "shop.key"))
        self.changes: list[frozenset[str]] = []
        self.store = CertificateStore(self.changes.append)
        make("shop.example", days=days).write(folder, "shop")
        self.store.commit([load(self.certificate)])
        self.changes.clear()

    def replace(self, chain: bytes, key: bytes) -> None:
        """As certbot does: a new file is moved into the place of the old one."""
        for name, data in (("shop.crt", chain), ("shop.key", key)):
            fresh = self.folder / f".{name}"
            fresh.write_bytes(data)
            fresh.replace(self.folder / name)

    @property
    def digest(self) -> str:
        (pair,) = self.store.pairs("shop")
        return pair.digest


def test_nothing_new_is_no_news(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    assert kept.store.look(NOW) == []
    assert kept.changes == []


def test_the_first_end_of_each_certificate_counts(tmp_path: Path) -> None:
    kept = Kept(tmp_path, days=30)
    made = kept.store.ends()["shop"] - 30 * 86400
    assert NOW - 600 < made < time.time() + 600, "it was made after this file was read, and before now"
    kept.store.commit([load(Certificate("none", str(tmp_path / "none")))])
    assert kept.store.ends() == {}


def test_a_good_pair_takes_the_place(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    before = kept.digest
    new = make("shop.example", days=90)
    kept.replace(new.chain, new.key)
    (news,) = kept.store.look(NOW)
    assert (news.bad, kept.changes) == (False, [frozenset({"shop"})])
    assert "shop.example until" in news.text
    assert kept.digest != before


def test_a_bad_pair_is_told_once_and_the_old_one_stays(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    before = kept.digest
    kept.replace(make("shop.example").chain, make("shop.example").key)
    (news,) = kept.store.look(NOW)
    assert news.bad
    assert "the old one is served on" in news.text
    assert (kept.store.look(NOW), kept.digest, kept.changes) == ([], before, [])
    assert "shop" in kept.store.problems
    good = make("shop.example", days=61)
    kept.replace(good.chain, good.key)
    kept.store.look(NOW)
    assert kept.store.problems == {}


def test_a_file_that_goes_away_changes_nothing(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    (tmp_path / "shop.key").unlink()
    (news,) = kept.store.look(NOW)
    assert "cannot be read" in news.text
    assert kept.store.pairs("shop")


def test_the_same_octets_again_are_no_change(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.replace((tmp_path / "shop.crt").read_bytes(), (tmp_path / "shop.key").read_bytes())
    assert kept.store.look(NOW) == []
    assert kept.changes == []


def test_an_end_is_told_once_a_day(tmp_path: Path) -> None:
    kept = Kept(tmp_path, days=3)
    (news,) = kept.store.look(NOW)
    assert news.bad
    assert "ends on" in news.text
    assert kept.store.look(NOW + 3600) == []
    assert len(kept.store.look(NOW + 90_000)) == 1
    assert "has ended" in kept.store.look(NOW + 4 * 86400)[0].text


def test_a_configuration_keeps_what_can_be_read(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    gone = Certificate("gone", str(tmp_path / "none.pem"))
    (tmp_path / "shop.crt").write_bytes(b"junk")
    kept.store.commit([load(kept.certificate), load(gone)])
    assert kept.store.pairs("shop")
    assert kept.store.pairs("gone") == ()
    assert set(kept.store.problems) == {"shop", "gone"}
    kept.store.commit([])
    assert kept.store.pairs("shop") == ()
    assert kept.store.problems == {}


def test_a_folder_is_watched_as_a_whole(tmp_path: Path) -> None:
    certificate = Certificate("wild", folder=str(tmp_path))
    assert load(certificate).problems
    before = stamp_of(certificate)
    one = make("a.example")
    (tmp_path / "a.pem").write_bytes(one.chain + one.key)
    assert stamp_of(certificate) != before
    assert [pair.names for pair in load(certificate).pairs] == [("a.example",)]


def test_until_there_is_a_certificate_of_acme_another_stands_in(tmp_path: Path) -> None:
    """The service is open, nobody is told that it lasts, and the real one is taken up when it comes."""
    wanted = acme_certificate("acme shop.example", str(tmp_path))
    store = CertificateStore(lambda _names: None)
    store.commit([load(wanted)])
    (standing,) = store.pairs(wanted.name)
    assert (standing.names, store.ends(), store.problems) == (("shop.example",), {}, {})
    assert store.look(NOW) == []
    made = make("shop.example")
    Path(wanted.file).parent.mkdir()
    Path(wanted.file).write_bytes(made.chain + made.key)
    assert len(store.look(NOW)) == 1
    assert list(store.ends()) == [wanted.name]


def test_a_bad_response_is_said_and_the_old_one_stays_while_it_lasts(tmp_path: Path) -> None:
    """It is no reason not to serve the certificate, neither at a start nor later."""
    authority = make(authority=True)
    made = make("shop.example", issuer=authority)
    made.write(tmp_path, "shop")
    place = tmp_path / "shop.ocsp"
    wanted = Certificate("shop", str(tmp_path / "shop.crt"), str(tmp_path / "shop.key"), ocsp=str(place))
    found = load(wanted)
    assert (len(found.pairs), len(found.problems), found.pairs[0].staple) == (1, 1, b"")
    good = ocsp_response(made, authority, hours=1)
    place.write_bytes(good)
    store = CertificateStore(lambda _names: None)
    store.commit([load(wanted)])
    place.write_bytes(b"junk")
    (news,) = store.look(NOW)
    assert (news.bad, "stapled for as long as it lasts" in news.text) == (True, True)
    assert store.pairs("shop")[0].staple == good
    assert "shop" in store.problems
    (news,) = store.look(NOW + 7200)
    assert "is not stapled any more" in news.text
    assert store.look(NOW + 7300) == []


def test_another_process_begins_with_what_is_served_and_not_with_bad_files(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    (tmp_path / "shop.key").write_bytes(make("other.example").key)
    assert kept.store.look(NOW)[0].bad
    other = CertificateStore(lambda _names: None)
    other.believe(kept.store.kept())
    other.commit([load(kept.certificate)])
    assert [pair.digest for pair in other.pairs("shop")] == [kept.digest]
    good = make("shop.example", days=90)
    kept.replace(good.chain, good.key)
    other.look(NOW)
    assert [pair.chain for pair in other.pairs("shop")] == [good.chain]


def test_what_stands_in_is_handed_to_nobody(tmp_path: Path) -> None:
    store = CertificateStore(lambda _names: None)
    store.commit([load(acme_certificate("acme shop.example", str(tmp_path)))])
    assert store.pairs("acme shop.example")
    assert store.kept() == []


def test_what_has_ended_is_as_good_as_unreadable(tmp_path: Path) -> None:
    """At a start, of files and of folders; what is served already is served on."""
    ended = make("shop.example", days=-1)
    ended.write(tmp_path, "old")
    found = load(Certificate("old", str(tmp_path / "old.crt"), str(tmp_path / "old.key")))
    assert (found.pairs, len(found.problems)) == ((), 1)
    assert "has ended on" in found.problems[0]
    folder = tmp_path / "all"
    folder.mkdir()
    (folder / "old.pem").write_bytes(ended.chain + ended.key)
    good = make("shop.example")
    (folder / "new.pem").write_bytes(good.chain + good.key)
    found = load(Certificate("all", folder=str(folder)))
    assert ([pair.path for pair in found.pairs], len(found.problems)) == ([str(folder / "new.pem")], 1)
    kept = Kept(tmp_path)
    before = kept.digest
    kept.replace(ended.chain, ended.key)
    (news,) = kept.store.look(NOW)
    assert "the old one is served on" in news.text
    assert kept.digest == before
