"""Randomness that depends on the seed and on what it is for, never on what else was drawn before."""

import random


def stream(seed: int, *purpose: str | int) -> random.Random:
    """A generator of its own for one purpose; text seeds are hashed by SHA-512, so no interpreter setting matters."""
    return random.Random("|".join(("tijdig-simulation", str(seed), *map(str, purpose))))


def chance(rng: random.Random, percent: int) -> bool:
    """True in `percent` of 100 draws."""
    return rng.randrange(100) < percent


def bell(rng: random.Random, middle: int, spread: int) -> int:
    """A whole number around `middle`, mostly within `spread`, never farther than twice that."""
    return middle + (rng.randint(-2 * spread, 2 * spread) + rng.randint(-2 * spread, 2 * spread)) // 2
