import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

import pytest
from pydantic import SecretBytes

from exporter.turns import BusyError, Rank
from exporter.web.auth import Passwords, _costliest
from tests.unit.web.users import hidden, users

T = TypeVar("T")


def anybody() -> Rank:
    return 0, 0


def check(known: Mapping[str, SecretBytes], name: str, password: bytes) -> bool:
    return asyncio.run(Passwords(lambda: known).check(name, password))


async def soon(waiting: Coroutine[Any, Any, T]) -> T:
    async with asyncio.timeout(5):
        return await waiting


async def turns(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


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


def test_a_good_pair_is_not_checked_twice() -> None:
    async def scenario() -> None:
        passwords = Passwords(lambda: known)
        assert await passwords.check("ann", b"secret")
        async with passwords._turns.take(anybody):  # nobody else gets a turn to check
            assert await soon(passwords.check("ann", b"secret"))
            checking = asyncio.create_task(passwords.check("ann", b"guessed"))
            await turns()
            assert not checking.done()
        assert not await checking

    known = users(ann="secret")
    asyncio.run(scenario())


def test_those_who_wait_with_the_same_pair_are_served_by_one_check() -> None:
    async def scenario() -> None:
        passwords = Passwords(lambda: known)
        async with asyncio.TaskGroup() as group:
            first, *others = [group.create_task(passwords.check("ann", b"secret")) for _ in range(5)]
            await first
            await turns(20)  # no thread would be done that soon
            assert all(other.done() and other.result() for other in others)

    known = {"ann": hidden(b"secret", cost=8)}
    asyncio.run(scenario())


def test_a_pair_is_good_only_for_the_hash_it_was_checked_against() -> None:
    known = dict(users(ann="old", bob="stays"))

    async def scenario() -> list[bool]:
        passwords = Passwords(lambda: known)
        before = [await passwords.check("ann", b"old"), await passwords.check("bob", b"stays")]
        known.update(users(ann="new"))
        del known["bob"]
        return [*before, await passwords.check("ann", b"old"), await passwords.check("bob", b"stays")]

    assert asyncio.run(scenario()) == [True, True, False, False]


def test_no_password_is_kept_and_wrong_ones_not_even_as_digests() -> None:
    async def scenario() -> list[bytes]:
        passwords = Passwords(lambda: known)
        await passwords.check("ann", b"secret")
        await passwords.check("ann", b"guessed")
        await passwords.check("zoe", b"secret")
        assert b"secret" not in repr(vars(passwords)).encode()
        return list(passwords._good)

    known = users(ann="secret")
    (first,), (second,) = asyncio.run(scenario()), asyncio.run(scenario())
    assert first != second  # each process has a key of its own


def test_where_name_and_password_meet_makes_a_difference() -> None:
    passwords = Passwords(dict)
    assert passwords._digest("ann", b"secret", b"hash") != passwords._digest("an", b"nsecret", b"hash")


def test_only_the_hundred_pairs_used_last_are_remembered() -> None:
    async def scenario() -> None:
        passwords = Passwords(lambda: known)
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
    asyncio.run(scenario())


def test_an_unknown_name_costs_as_much_as_the_costliest_user() -> None:
    async def scenario() -> None:
        passwords = Passwords(lambda: known)
        async with passwords._turns.take(anybody):
            checking = asyncio.create_task(passwords.check("zoe", b"secret"))
            await turns()
            assert not checking.done()
        assert not await checking

    known = {"ann": hidden(b"secret"), "bob": hidden(b"secret", cost=6), "cid": hidden(b"secret", cost=5)}
    asyncio.run(scenario())
    assert _costliest(one.get_secret_value() for one in known.values()) == known["bob"].get_secret_value()


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


def test_beyond_32_that_wait_the_next_is_told_to_come_again() -> None:
    async def scenario() -> None:
        passwords = Passwords(lambda: known)
        assert await passwords.check("ann", b"secret")
        async with passwords._turns.take(anybody):
            waiting = [asyncio.create_task(passwords.check("ann", b"%d" % number)) for number in range(32)]
            await turns()
            with pytest.raises(BusyError):
                await passwords.check("ann", b"guessed")
            assert await soon(passwords.check("ann", b"secret"))
        assert await asyncio.gather(*waiting) == [False] * 32
        assert not await passwords.check("ann", b"guessed")

    known = users(ann="secret")
    asyncio.run(scenario())


def test_one_who_gives_up_makes_room() -> None:
    async def scenario() -> None:
        passwords = Passwords(lambda: known)
        async with passwords._turns.take(anybody):
            waiting = [asyncio.create_task(passwords.check("ann", b"%d" % number)) for number in range(32)]
            await turns()
            for one in waiting:
                one.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        assert await soon(passwords.check("ann", b"secret"))

    known = users(ann="secret")
    asyncio.run(scenario())


def test_one_who_has_not_failed_is_next_and_has_room_while_others_guess() -> None:
    async def scenario() -> None:
        passwords = Passwords(lambda: known)
        assert not await passwords.check("ann", b"guessed", "10.0.0.1")
        async with passwords._turns.take(anybody):
            guesses = [
                asyncio.create_task(passwords.check(f"name {number}", b"guess", "10.0.0.1")) for number in range(32)
            ]
            await turns()
            good = asyncio.create_task(passwords.check("ann", b"secret", "10.0.0.2"))
            await turns()
            with pytest.raises(BusyError):
                await guesses.pop()
        assert await good
        assert not any(guess.done() for guess in guesses)
        for guess in guesses:
            guess.cancel()

    known = {"ann": hidden(b"secret", cost=6)}
    asyncio.run(scenario())


def test_where_all_share_an_address_a_name_nobody_guesses_goes_first() -> None:
    async def scenario() -> None:
        passwords = Passwords(lambda: known)
        assert not await passwords.check("ann", b"guessed", "10.0.0.1")
        async with passwords._turns.take(anybody):
            guesses = [asyncio.create_task(passwords.check("ann", b"%d" % number, "10.0.0.1")) for number in range(32)]
            await turns()
            good = asyncio.create_task(passwords.check("bob", b"secret", "10.0.0.1"))
            await turns()
        assert await good
        assert not any(guess.done() and not guess.exception() for guess in guesses)
        await asyncio.gather(*guesses, return_exceptions=True)

    known = {"ann": hidden(b"other", cost=6), "bob": hidden(b"secret", cost=6)}
    asyncio.run(scenario())


def test_a_name_that_exists_waits_no_less_than_one_that_does_not() -> None:
    async def scenario() -> None:
        passwords = Passwords(lambda: known)
        for name in ("ann", "zoe"):
            await passwords.check(name, b"guessed", "10.0.0.1")
        ann, zoe = (passwords._record.rank(b"", passwords._digest("name", name)) for name in ("ann", "zoe"))
        assert ann == zoe == (0, 1)

    known = users(ann="secret")
    asyncio.run(scenario())
