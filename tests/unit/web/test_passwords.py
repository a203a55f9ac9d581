"""Which pairs are good; what guessing costs whom; and that no refusal tells what exists. In virtual time."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest
from pydantic import SecretBytes

from exporter.turns import BusyError
from exporter.web.auth import Passwords
from tests import virtual_time
from tests.unit.web.users import CHECK_SECONDS, VirtualWorker, hidden, users

T = TypeVar("T")
REFUSE_SECONDS = 0.25
"""And four times as long as a check takes, and once for each refusal under way."""


def run(scenario: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return virtual_time.run(lambda _: scenario(), start=datetime(2026, 1, 1, tzinfo=UTC))


def make(known: Mapping[str, SecretBytes]) -> tuple[Passwords, VirtualWorker]:
    worker = VirtualWorker()
    return Passwords(lambda: known, asyncio.get_running_loop().time, worker), worker


def check(known: Mapping[str, SecretBytes], name: str, password: bytes) -> bool:
    async def scenario() -> bool:
        return await make(known)[0].check(name, password)

    return run(scenario)


async def outcome(passwords: Passwords, name: str, password: bytes, *hosts: str) -> tuple[float, bool | None]:
    """Return after how long which answer comes; None is that too many wait."""
    loop = asyncio.get_running_loop()
    began, good = loop.time(), None
    with contextlib.suppress(BusyError):
        good = await passwords.check(name, password, *hosts)
    return round(loop.time() - began, 6), good


async def guess(passwords: Passwords, name: str, *hosts: str, every: float = 0.001) -> None:
    """Guess far more passwords than can be checked; each *name* may hold the guess's number."""
    loop, begun, number = asyncio.get_running_loop(), set(), 0
    while True:
        number += 1
        task = loop.create_task(outcome(passwords, name.format(number), b"guess %d" % number, *hosts))
        begun.add(task)
        task.add_done_callback(begun.discard)
        await asyncio.sleep(every)


def test_a_user_with_the_right_password_is_good() -> None:
    assert check(users(ann="secret", bob="other"), "ann", b"secret")


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ann", b"other"),
        ("ann", b"secret2"),
        ("ann", b""),
        ("bob", b"secret"),
        ("zoe", b"secret"),
        ("", b"secret"),
        ("ANN", b"secret"),
    ],
)
def test_any_other_pair_is_not(name: str, password: bytes) -> None:
    assert not check(users(ann="secret", bob="other"), name, password)


@pytest.mark.parametrize("prefix", [b"2a", b"2b"])
def test_passwords_of_any_bytes_are_checked(prefix: bytes) -> None:
    password = "Zoë\x00 ß".encode()
    assert check({"ann": hidden(password, prefix=prefix)}, "ann", password)
    assert not check({"ann": hidden(password, prefix=prefix)}, "ann", password[:4])


def test_htpasswd_spells_its_hashes_with_a_y() -> None:
    spelled = SecretBytes(b"$2y$" + hidden(b"secret").get_secret_value()[4:])
    assert check({"ann": spelled}, "ann", b"secret")


def test_of_a_long_password_the_first_72_bytes_count() -> None:
    known = {"ann": hidden(b"x" * 72)}
    assert check(known, "ann", b"x" * 5000)
    assert not check(known, "ann", b"x" * 71)


def test_a_pair_is_good_only_for_the_hash_it_was_checked_against() -> None:
    known = dict(users(ann="old", bob="stays"))

    async def scenario() -> list[bool]:
        passwords, _ = make(known)
        before = [await passwords.check("ann", b"old"), await passwords.check("bob", b"stays")]
        known.update(users(ann="new"))
        del known["bob"]
        return [*before, await passwords.check("ann", b"old"), await passwords.check("bob", b"stays")]

    assert run(scenario) == [True, True, False, False]


def test_no_password_is_kept_and_of_wrong_ones_no_whole_digest() -> None:
    async def scenario() -> list[bytes]:
        passwords, _ = make(known)
        await passwords.check("ann", b"secret")
        await passwords.check("ann", b"guessed")
        await passwords.check("zoe", b"secret")
        assert b"secret" not in repr(vars(passwords)).encode()
        return list(passwords._good)

    known = users(ann="secret")
    (first,), (second,) = run(scenario), run(scenario)
    assert first != second  # each process has a key of its own


def test_where_name_and_password_meet_makes_a_difference() -> None:
    passwords = Passwords(dict)
    assert passwords._digest("ann", b"secret", b"hash") != passwords._digest("an", b"nsecret", b"hash")


def test_only_the_hundred_pairs_used_last_are_remembered() -> None:
    async def scenario() -> None:
        passwords, _ = make(known)
        spellings = [b"x" * 72 + b"%d" % number for number in range(101)]
        for spelling in spellings[:100]:
            await passwords.check("ann", spelling)
        oldest = next(iter(passwords._good))
        await passwords.check("ann", spellings[0])
        assert oldest in passwords._good
        await passwords.check("ann", spellings[100])
        assert len(passwords._good) == 100
        assert oldest in passwords._good

    known = {"ann": hidden(b"x" * 72)}
    run(scenario)


def test_a_good_pair_is_checked_once_and_those_who_wait_with_it_are_served_by_one_check() -> None:
    async def scenario() -> int:
        passwords, worker = make(users(ann="secret"))
        assert await asyncio.gather(*(passwords.check("ann", b"secret") for _ in range(5))) == [True] * 5
        assert await passwords.check("ann", b"secret")
        return worker.jobs

    assert run(scenario) == 2  # the other measures how long one takes


def test_the_event_loop_goes_on_while_a_password_is_checked() -> None:
    async def scenario() -> int:
        checking = asyncio.create_task(Passwords(lambda: known).check("ann", b"secret"))
        count = 0
        while not checking.done():
            count += 1
            await asyncio.sleep(0)
        assert checking.result()
        return count

    known = {"ann": hidden(b"secret", cost=9)}
    assert asyncio.run(scenario()) > 20


@pytest.mark.parametrize("crowd", [0, 40])
def test_the_time_of_a_refusal_tells_neither_whether_a_name_exists_nor_what_its_hash_costs(
    crowd: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exporter.web.auth._time_check", lambda _: 0.01)  # on a busy machine it takes any time

    async def scenario() -> set[tuple[float, bool | None]]:
        passwords, _ = make({"ann": hidden(b"secret"), "bob": hidden(b"secret", cost=6)})
        await passwords.check("ann", b"the first one waits for what is measured")
        answers = set()
        for name in ("ann", "bob", "nobody", ""):
            guesses = [asyncio.create_task(outcome(passwords, f"{name} {one}", b"")) for one in range(crowd)]
            await asyncio.sleep(0.2)
            answers.add(await outcome(passwords, name, b"guess"))
            await asyncio.gather(*guesses)
        return answers

    ((seconds, good),) = run(scenario)
    assert (seconds, good) == ((0, None) if crowd else (REFUSE_SECONDS + 5 * 0.01, False))


def test_an_unknown_name_costs_no_check() -> None:
    async def scenario() -> int:
        passwords, worker = make(users(ann="secret"))
        for number in range(20):
            assert not await passwords.check(f"name {number}", b"guess")
        return worker.jobs

    assert run(scenario) == 1  # which measures how long one takes


@pytest.mark.parametrize(
    ("guessed", "by", "name", "host", "turned_away"),
    [
        ("name {}", ("proxy",), "ann", ("proxy",), 1),
        ("bob", ("proxy",), "ann", ("proxy",), 1),
        ("ann", ("proxy", "guesser"), "ann", ("proxy", "home"), 1),
        ("ann", ("guesser",), "ann", ("home",), 1),
        ("ann", ("proxy",), "ann", ("proxy",), 2),
        ("ann", ("proxy", "home"), "ann", ("proxy", "home"), 2),
    ],
)
def test_a_good_user_who_was_never_seen_gets_in_after_being_turned_away_once_or_twice(
    guessed: str, by: tuple[str, ...], name: str, host: tuple[str, ...], turned_away: int
) -> None:
    async def scenario() -> list[bool | None]:
        passwords, _ = make(users(ann="secret", bob="other"))
        guessing = asyncio.create_task(guess(passwords, guessed, *by))
        await asyncio.sleep(1)
        answers = []
        for _ in range(turned_away + 1):
            answers.append((await outcome(passwords, name, b"secret", *host))[1])
            await asyncio.sleep(1)  # as `Retry-After` says
        guessing.cancel()
        return answers

    answers = run(scenario)
    assert answers[-1] is True
    assert False not in answers


def test_guesses_that_are_repeated_do_not_keep_a_good_user_out_for_longer_than_they_take_to_check() -> None:
    async def guess_again(passwords: Passwords, password: bytes) -> None:
        while True:
            await outcome(passwords, "ann", password, "proxy")
            await asyncio.sleep(0.02)

    async def scenario() -> float:
        passwords, loop = make(users(ann="secret"))[0], asyncio.get_running_loop()
        guesses = [asyncio.create_task(guess_again(passwords, b"guess %d" % number)) for number in range(100)]
        await asyncio.sleep(1)
        began, answer = loop.time(), None
        while answer is None:
            _, answer = await outcome(passwords, "ann", b"secret", "proxy")
            await asyncio.sleep(1)
        for one in guesses:
            one.cancel()
        assert answer
        return loop.time() - began

    assert run(scenario) < (1 + 100 + 16) * CHECK_SECONDS + 1


def test_those_who_guess_cost_no_more_than_one_check_at_a_time() -> None:
    async def scenario() -> int:
        passwords, worker = make(users(ann="secret"))
        guessing = asyncio.create_task(guess(passwords, "ann", "here"))
        await asyncio.sleep(3)
        guessing.cancel()
        assert len(passwords._checks) <= 17
        return worker.jobs

    assert run(scenario) <= 3 / CHECK_SECONDS + 2


def test_a_check_goes_on_when_its_caller_was_turned_away() -> None:
    async def scenario() -> list[bool | None]:
        passwords, _ = make(users(ann="secret"))
        crowd = [asyncio.create_task(outcome(passwords, f"name {number}", b"")) for number in range(32)]
        await asyncio.sleep(CHECK_SECONDS * 2)
        answers = [(await outcome(passwords, "ann", b"secret"))[1]]
        await asyncio.sleep(CHECK_SECONDS * 2)
        answers.append((await outcome(passwords, "ann", b"secret"))[1])
        assert {good for _, good in await asyncio.gather(*crowd)} == {None, False}
        return answers

    assert run(scenario) == [None, True]
