# SPDX-License-Identifier: Apache-2.0
"""What is said of a case beside its steps."""


def fresh(case):
    """It wants servers that nobody has used."""
    case.fresh = True
    return case


def spoils(case):
    """Nobody can use its servers after it."""
    case.spoils = True
    return case
