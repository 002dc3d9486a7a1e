"""Column headings as words: what makes two names the same, and which words mean the same thing."""

import re
import unicodedata

from ingest.values.units import SPELLINGS, UNITS

CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
BRACKETS = re.compile(r"[\(\[\{<].*?[\)\]\}>]")
MEASURED = {spelling for spelling, name in SPELLINGS.items() if UNITS[name].kind in ("data", "energy", "power") and len(spelling) > 1}
"""Units that a heading may end in: `Verbrauch kWh`. A word for a length of time may be what is meant: `usage day`."""
TAG = re.compile(r"^\s*(?:resource)?(?:tags?|labels?)\s*[./:]\s*(?:user[:_])?", re.IGNORECASE)
"""What clouds write before the name of a tag: `labels.customer`, `resourceTags/user:customer`."""
LETTERS = str.maketrans({"ß": "ss", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "œ": "oe"})

CUSTOMER = (
    "customer id", "external customer id", "customer", "customer no", "customer nr", "customer number", "customer key", "customer ref", "customer code", "cust id",
    "cust", "x customer id", "customer uuid",
    "client id", "client", "client no", "tenant id", "tenant", "usage account id", "sub account id", "subaccount id", "linked account id", "consuming account id", "account id", "account sid",
    "account", "account no", "account number", "account code", "accountcode", "organisation id", "organization id", "org id",
    "organisation", "organization", "org",
    "subscriber id", "subscriber", "company id", "company", "customer name", "client name", "account name", "company name", "sub account name", "org name", "organization name", "organisation name", "user id",
    "kundennummer", "kunden nr", "kundennr", "kd nr", "kdnr", "kunden id", "kunden nummer", "kunde", "kundin", "auftraggeber", "mandant", "mandanten nr", "mandanten id", "debitor", "debitoren nr",
    "debitorennummer", "kundenname", "firma", "firmenname", "konto", "kontonummer", "geschaftspartner", "mitgliedsnummer", "vertragskonto",
    "id client", "numero client", "no client", "cliente", "id cliente", "codigo cliente", "codice cliente", "klant", "klantnummer", "klant id", "kund", "kundnummer",
    "klient", "id klienta", "cliente id", "asiakas", "asiakasnumero", "kunde nr", "kundenr", "numero de client", "numero de cliente",
    "member id", "subscription id", "subscription", "abonnement id", "abonnement nr", "contract id", "contract no", "contract number", "contract", "vertragsnummer", "vertrags nr", "vertrag", "vertragskontonummer",
    "metering point", "metering point id", "zahlpunkt", "zahlpunktbezeichnung", "marktlokation", "malo id", "malo", "messlokation", "melo id", "mpan", "meter id", "zahlernummer",
    "workspace id", "workspace", "workspace name", "project id", "project", "project name", "projekt", "projektname", "namespace", "owner", "billing account id", "payer account id",
    "compartment id", "compartment name", "zone name", "domain", "rufnummer", "department", "abteilung", "cost center", "cost center name", "kostenstelle", "user email", "upn",
)
TIME = (
    "timestamp", "event time", "event timestamp", "event date", "usage timestamp", "usage time", "usage start time", "usage start", "usage start date", "usage date",
    "start time", "started at", "start", "start date", "start stamp", "start datetime", "call time", "call date", "interval start", "session start",
    "charge period start", "datetime", "date time", "date", "time", "day", "hour", "occurred at", "measured at", "ts", "when",
    "transaction date", "period start", "month", "billing month", "end time", "ended at", "usage end", "end", "end date", "recorded at", "date received", "received at", "created at", "created", "create date", "date created",
    "zeitstempel", "zeitpunkt", "zeit", "datum", "datum uhrzeit", "datum zeit", "nutzungsdatum", "verbrauchsdatum", "leistungsdatum", "buchungsdatum", "belegdatum",
    "startdatum", "beginn", "startzeit", "start datum", "start zeit", "startzeitpunkt", "beginndatum", "datum von", "von", "ab", "anfang", "einfahrt", "ladebeginn", "gesprachsbeginn", "verbindungsbeginn", "tag", "uhrzeit",
    "leistungszeitraum", "leistungsmonat", "abrechnungsmonat", "monat", "ende", "enddatum", "bis", "erstellt am", "erfasst am",
    "horodatage", "date heure", "jour", "heure", "debut", "date de debut", "mois", "fecha", "fecha hora", "hora", "inicio", "fecha de inicio", "mes", "data", "data ora", "ora", "inizio", "data inizio", "mese",
    "datum tijd", "datum en tijd", "tijd", "tijdstip", "begintijd", "starttijd", "begindatum", "eindtijd", "maand", "fecha y hora", "data i godzina", "data e ora", "data e hora", "date et heure", "ablesedatum", "ablesezeitpunkt", "date sent", "sent at", "date start", "tid", "tidpunkt", "data godzina", "data hora",
)
QUANTITY = (
    "quantity", "qty", "usage quantity", "usage amount", "billed quantity", "usage", "consumption", "consumed quantity", "amount", "units", "volume", "value", "count", "total", "number",
    "metered quantity", "quantity used", "units used", "credits used", "total usage",
    "menge", "anzahl", "verbrauch", "verbrauchsmenge", "nutzungsmenge", "nutzung", "stuckzahl", "stueckzahl", "stuck", "umfang", "wert", "messwert", "summe", "einheiten",
    "quantite", "nombre", "consommation", "cantidad", "consumo", "quantita", "numero", "hoeveelheid", "aantal", "verbruik", "antal", "mangd", "mengde", "maengde", "ilosc", "zuzycie", "quantidade",
)
SYNONYMS: tuple[tuple[str, ...], ...] = (
    CUSTOMER, TIME, QUANTITY,
    ("region", "region id", "region name", "location", "zone", "data center", "datacenter", "standort", "gebiet", "regio", "ubicacion", "regione", "lieu", "site"),
    ("unit", "uom", "unit of measure", "usage unit", "consumed unit", "pricing unit", "unit type", "unit name", "einheit", "mengeneinheit", "masseinheit", "unite", "unidad", "unita", "eenheid"),
    ("price", "unit price", "list price", "rate", "preis", "einzelpreis", "stuckpreis", "prix", "precio", "prezzo", "prijs"),
    ("cost", "costs", "charge", "charges", "billed cost", "effective cost", "fee", "kosten", "betrag", "gebuhr", "entgelt", "cout", "montant", "coste", "importe", "costo", "importo", "bedrag"),
    ("currency", "billing currency", "currency code", "wahrung", "waehrung", "devise", "moneda", "valuta"),
    ("product", "product id", "product name", "sku", "sku id", "item", "article", "produkt", "artikel", "artikelnummer", "produit", "producto", "prodotto"),
    ("service", "service name", "service category", "dienst", "leistung", "servicio", "servizio"),
    ("duration", "duration seconds", "seconds", "dauer", "dauer sekunden", "duree", "duracion", "durata", "duur", "call duration", "billsec", "gesprachsdauer", "verbindungsdauer", "parkdauer", "ladedauer"),
    ("description", "details", "note", "notes", "comment", "remark", "beschreibung", "bemerkung", "text", "kommentar", "notiz", "remarque", "descripcion", "descrizione"),
    ("resource", "resource id", "resource name", "ressource", "recurso", "risorsa"),
)
"""Words that mean the same thing, the most telling first; normalised as `words` does."""

PLACE: dict[str, tuple[int, int]] = {word: (group, place) for group, synonyms in reversed(list(enumerate(SYNONYMS))) for place, word in enumerate(synonyms)}
IDENTIFYING = {
    "id", "uuid", "guid", "key", "ref", "reference", "nr", "no", "number", "nummer", "code", "phone", "telefon", "zip", "plz", "postcode", "iban", "sku", "caller",
    "callee", "src", "dst", "did", "ext", "extension", "sid", "kundennummer", "kdnr", "durchwahl", "rufnummer", "msisdn", "imsi", "imei", "vat", "ustid", "artikelnummer", "kontonummer", "rechnungsnummer", "belegnummer", "vertragsnummer",
}
ENDS = {"from", "to"}
"""What the two ends of a call are called."""
NUMBERED = re.compile(r".+(?:nummer|numero|number|nr)|(?:unique|call|user|order|account|customer|client|event|request|session|job|record)id")
"""Words that name something and have grown together: `Vorgangsnummer`, `uniqueid`."""
DURATION = re.compile(r"dauer\b|\b(?:duration|duree|duracion|durata|duracao|duur|length|elapsed|talk|talking|hold|wait|waiting|ring|ringing|handling|spent|worked|billable|billed|parkzeit|arbeitszeit|gesprachszeit|standzeit|laufzeit)\b")
OCCASIONS = {
    "event", "request", "transaction", "record", "row", "line", "entry", "call", "order", "invoice", "message", "session", "job", "run", "trip", "ticket", "usage",
    "cdr", "trace", "log", "booking", "charge", "shipment", "payment",
    "beleg", "belegnummer", "rechnung", "rechnungsnummer", "buchung", "buchungsnummer", "vorgang", "vorgangsnummer", "auftrag", "auftragsnummer", "fahrt", "anruf", "sitzung", "sitzungs", "ladevorgang", "parkvorgang", "vorgangs", "buchungs",
}
"""What happens once; ids of other things (a resource, a product) come again next month and are no identity."""
BARE_IDS = {"id", "uuid", "guid", "sid", "uniqueid", "unique id", "ray id", "historyid", "history id", "reference no", "reference number"}
"""Ids that don't say of what they are: of the row."""
MONEY = {
    "price", "cost", "costs", "charge", "charges", "fee", "rate", "revenue", "amount", "total", "preis", "kosten", "betrag", "gebuhr", "umsatz", "summe", "prix",
    "montant", "precio", "importe", "prezzo", "costo", "importo", "eur", "usd", "gbp", "chf",
}


def words(name: str) -> str:
    """A name as lower-case ASCII words with single spaces: `lineItem_UsageAmount` and `Line item usage amount` are the same."""
    split = CAMEL.sub(" ", name)
    plain = unicodedata.normalize("NFKD", split.lower().translate(LETTERS))
    return re.sub(r"[^a-z0-9]+", " ", "".join(letter for letter in plain if not unicodedata.combining(letter))).strip()


def readings(column: str) -> tuple[str, ...]:
    """The names a heading may stand for: as it is, without what is in brackets, what follows the last slash, a tag that people gave by its own name, and without a unit at its end."""
    bare = BRACKETS.sub(" ", column)
    name, _, unit = bare.strip().rpartition(" ")
    found = [words(column), words(bare), words(bare.rsplit("/", 1)[-1]), words(TAG.sub("", bare)), words(name) if unit in MEASURED else ""]
    return tuple(dict.fromkeys(name for name in found if name))


def field_names(columns: tuple[str, ...], taken: tuple[str, ...]) -> dict[str, str]:
    """A unique snake_case name in ASCII for every column; none of those that are taken. A column that is called so already keeps its name."""
    names = {column: column for column in columns if _snake(column) == column and column not in taken}
    for column in columns:
        if column not in names:
            names[column] = _free(f"{_snake(column)}_in_file" if _snake(column) in taken else _snake(column), set(names.values()))
    return {column: names[column] for column in columns}


def _free(base: str, used: set[str]) -> str:
    name, number = base, 2
    while name in used:
        name, number = f"{base}_{number}", number + 1
    return name


def _snake(column: str) -> str:
    name = words(BRACKETS.sub(" ", column)).replace(" ", "_")[:60].strip("_") or words(column).replace(" ", "_")[:60].strip("_")
    return name if name and name[0].isalpha() else f"field_{name}".rstrip("_")


def is_identifying(column: str) -> bool:
    """Whether a heading says that its cells name something rather than count it."""
    return any(name in ENDS or name.split()[-1] in IDENTIFYING or NUMBERED.fullmatch(name.split()[-1]) for name in readings(column))


def is_an_id(column: str) -> bool:
    """Whether a heading says so outright that its cells are ids, whatever they look like."""
    return any(NUMBERED.fullmatch(name) and name.endswith("id") or name.split()[-1] == "id" for name in readings(column))


def is_of(column: str, word: str) -> bool:
    """Whether a heading means what `word` does."""
    return any(PLACE.get(name, (None, 0))[0] == PLACE[word][0] for name in readings(column))


def is_duration(column: str) -> bool:
    """Whether a heading says that its cells are lengths of time."""
    return any(DURATION.search(name) for name in readings(column))


def names_an_occasion(column: str) -> bool:
    """Whether a heading is that of an id of something that happens once: `call_id`, `Belegnummer`, or just `id`. In `line_item_resource_id`, the id is one of a resource."""
    return any(name in BARE_IDS or _of_an_occasion(name.split()) for name in readings(column))


def _of_an_occasion(parts: list[str]) -> bool:
    return parts[-1] in IDENTIFYING | OCCASIONS and bool(set(parts[-3:]) & OCCASIONS) and parts[1:] != ["line"]


def is_money(column: str) -> bool:
    """Whether a heading says that its cells are amounts of money."""
    return any(set(name.split()) & MONEY for name in readings(column)) or any(sign in column for sign in "€$£¥")


def is_surely_money(column: str) -> bool:
    """The same, where a total may be one of anything."""
    return is_money(column) and (any(set(name.split()) & (MONEY - {"total", "summe"}) for name in readings(column)) or any(sign in column for sign in "€$£¥"))
