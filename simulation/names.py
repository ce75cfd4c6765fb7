"""Names, streets and people that sound Dutch or Belgian and belong to nobody."""

import random
import unicodedata
from dataclasses import dataclass

DUTCH_STEMS = (
    "Linde", "Zwaluw", "Merel", "Brem", "Esdoorn", "Korhaan", "Wulpen", "Veer", "Molen", "Kraaien", "Otter", "Bever",
    "Kievit", "Reiger", "Sperwer", "Heide", "Klaver", "Vlier", "Wilgen", "Iepen", "Duin", "Gruis", "Haver", "Stern",
)  # fmt: skip
DUTCH_ENDINGS = ("donk", "veen", "hoeve", "wold", "waard", "horst", "beek", "gaarde", "dam", "rode", "broek", "stede")
DUTCH_TRADES = (
    "Installatietechniek", "Bouwgroep", "Logistiek", "Drukwerk", "Interieurbouw", "Advies", "Groothandel", "Transport",
    "Automatisering", "Schoonmaak", "Metaalbewerking", "Vastgoed", "Zorggroep", "Horeca", "Tuinbouw", "Verpakkingen",
    "Elektrotechniek", "Accountants", "Makelaardij", "Opleidingen", "Voeding", "Kozijnen", "Dakwerken", "Techniek",
)  # fmt: skip
DUTCH_CRAFTS = ("Timmerwerken", "Schildersbedrijf", "Klusbedrijf", "Fotostudio", "Tekstbureau", "Rijschool", "Hovenier")
FRENCH_STEMS = ("Clair", "Haut", "Val", "Mont", "Beau", "Roche", "Bois", "Pré", "Font", "Grand")
FRENCH_ENDINGS = ("rive", "champs", "fleury", "lieu", "noir", "sart", "court", "lande", "tilleul", "brume")
FRENCH_TRADES = ("Imprimerie", "Menuiserie", "Transports", "Ateliers", "Cabinet", "Toitures", "Garage", "Traiteur")
FIRST_NAMES = (
    "Sanne", "Daan", "Lotte", "Bram", "Femke", "Joris", "Noor", "Sven", "Eline", "Thijs", "Maud", "Koen", "Iris",
    "Ruben", "Anouk", "Pieter", "Céline", "Jérôme", "Elise", "Wout",
)  # fmt: skip
SURNAMES = (
    "Otterbeek", "Van Wulpen", "De Linde", "Bremhorst", "Ter Iepen", "Kievitsdonk", "Havermans", "Sterndam",
    "Van Vlierveen", "Klaverhoek", "Duinrode", "Molenwaard", "Reigershoef", "Van Esdoorn",
)  # fmt: skip
DUTCH_STREETS = ("Industrieweg", "Lindelaan", "Havenkade", "Stationsplein", "Ambachtsweg", "Marktstraat", "Parallelweg")
FRENCH_STREETS = ("Rue de la Gare", "Avenue des Tilleuls", "Chaussée de l'Usine", "Place du Marché", "Quai du Canal")
# City and the first two digits of its postal codes.
DUTCH_CITIES = (
    ("Utrecht", 35), ("Rotterdam", 30), ("Zwolle", 80), ("Eindhoven", 56), ("Groningen", 97), ("Breda", 48),
    ("Arnhem", 68), ("Leiden", 23), ("Haarlem", 20), ("Enschede", 75), ("Deventer", 74), ("Tilburg", 50),
)  # fmt: skip
FLEMISH_CITIES = (("Gent", "9000"), ("Antwerpen", "2000"), ("Brugge", "8000"), ("Hasselt", "3500"), ("Aalst", "9300"))
WALLOON_CITIES = (("Namur", "5000"), ("Liège", "4000"), ("Mons", "7000"), ("Tournai", "7500"), ("Nivelles", "1400"))


@dataclass(frozen=True, slots=True)
class Address:
    street: str
    postal_code: str
    city: str


def without_accents(text: str) -> str:
    """The text in the Latin letters that payment files allow: accents fall away, nothing else changes."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")


def domain_of(name: str) -> str:
    """A domain under the reserved top-level domain `example` (RFC 2606), so no mail can ever reach anybody."""
    words = [word for word in without_accents(name).lower().replace(".", "").replace("'", "").split() if word.isalnum()]
    kept = [word for word in words if word not in {"bv", "nv", "vof", "srl", "sa", "j", "en"}]
    return f"{'-'.join(kept)}.example"


def person(rng: random.Random) -> str:
    return f"{rng.choice(FIRST_NAMES)} {rng.choice(SURNAMES)}"


def dutch_place(rng: random.Random) -> str:
    return f"{rng.choice(DUTCH_STEMS)}{rng.choice(DUTCH_ENDINGS)}"


def dutch_company(rng: random.Random, stem: str | None = None) -> str:
    """A Dutch company without its legal form; `stem` keeps the family name of a group of companies."""
    return f"{stem or dutch_place(rng)} {rng.choice(DUTCH_TRADES)}"


def dutch_sole_trader(rng: random.Random) -> str:
    return f"{rng.choice(DUTCH_CRAFTS)} {rng.choice('ABDEHJKLMPRSTW')}. {rng.choice(SURNAMES)}"


def french_company(rng: random.Random) -> str:
    return f"{rng.choice(FRENCH_TRADES)} {rng.choice(FRENCH_STEMS)}{rng.choice(FRENCH_ENDINGS)}"


def dutch_address(rng: random.Random) -> Address:
    city, prefix = rng.choice(DUTCH_CITIES)
    letters = f"{rng.choice('ABCDEGHJKLM')}{rng.choice('ABCDEGHJKLMNPRTVWXZ')}"
    return Address(
        f"{rng.choice(DUTCH_STREETS)} {rng.randint(1, 240)}", f"{prefix}{rng.randint(11, 98)} {letters}", city
    )


def belgian_address(rng: random.Random, *, speaks_french: bool) -> Address:
    streets, cities = (FRENCH_STREETS, WALLOON_CITIES) if speaks_french else (DUTCH_STREETS, FLEMISH_CITIES)
    city, postal_code = rng.choice(cities)
    return Address(f"{rng.choice(streets)} {rng.randint(1, 240)}", postal_code, city)


def phone_number(rng: random.Random, country: str) -> str:
    """A number in the ranges kept free for fiction or never issued (Dutch 085-0, Belgian 078 with zeros)."""
    return f"+31 85 000 {rng.randint(1000, 9999)}" if country == "NL" else f"+32 78 00 {rng.randint(10, 99)} 00"
