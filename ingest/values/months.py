"""The names of months, long and short, in the languages that tables come in."""

_NAMES = {
    "english": "january jan|february feb|march mar|april apr|may|june jun|july jul|august aug|september sep sept|october oct|november nov|december dec",
    "german": "januar jan jänner jän|februar feb feber|märz mär mrz maerz|april apr|mai|juni jun|juli jul|august aug|september sep sept|oktober okt|november nov|dezember dez",
    "french": "janvier janv jan|février févr fév fevrier fevr fev|mars|avril avr|mai|juin|juillet juil|août aout|septembre sept sep|octobre oct|novembre nov|décembre déc decembre dec",
    "spanish": "enero ene|febrero feb|marzo mar|abril abr|mayo may|junio jun|julio jul|agosto ago|septiembre setiembre sep sept set|octubre oct|noviembre nov|diciembre dic",
    "italian": "gennaio gen|febbraio feb|marzo mar|aprile apr|maggio mag|giugno giu|luglio lug|agosto ago|settembre set sett|ottobre ott|novembre nov|dicembre dic",
    "dutch": "januari jan|februari feb|maart mrt|april apr|mei|juni jun|juli jul|augustus aug|september sep sept|oktober okt|november nov|december dec",
    "portuguese": "janeiro jan|fevereiro fev|março mar marco|abril abr|maio mai|junho jun|julho jul|agosto ago|setembro set|outubro out|novembro nov|dezembro dez",
    "polish": "styczeń stycznia sty|luty lutego lut|marzec marca mar|kwiecień kwietnia kwi|maj maja|czerwiec czerwca cze|lipiec lipca lip|sierpień sierpnia sie"
              "|wrzesień września wrz|październik października paź|listopad listopada lis|grudzień grudnia gru",
    "danish": "januar jan|februar feb|marts mar|april apr|maj|juni jun|juli jul|august aug|september sep sept|oktober okt|november nov|december dec",
    "norwegian": "januar jan|februar feb|mars mar|april apr|mai|juni jun|juli jul|august aug|september sep sept|oktober okt|november nov|desember des",
    "swedish": "januari jan|februari feb|mars mar|april apr|maj|juni jun|juli jul|augusti aug|september sep sept|oktober okt|november nov|december dec",
    "finnish": "tammikuu tammikuuta tammi|helmikuu helmikuuta helmi|maaliskuu maaliskuuta maalis|huhtikuu huhtikuuta huhti|toukokuu toukokuuta touko|kesäkuu kesäkuuta kesä|heinäkuu heinäkuuta heinä"
               "|elokuu elokuuta elo|syyskuu syyskuuta syys|lokakuu lokakuuta loka|marraskuu marraskuuta marras|joulukuu joulukuuta joulu",
    "icelandic": "janúar jan|febrúar feb|mars mar|apríl apr|maí|júní jún|júlí júl|ágúst ágú|september sep|október okt|nóvember nóv|desember des",
}
MONTHS: dict[str, dict[str, int]] = {language: {word: number for number, words in enumerate(names.split("|"), start=1) for word in words.split()} for language, names in _NAMES.items()}
_NUMBERS = {word: number for words in MONTHS.values() for word, number in words.items()}
"""No word is two months in two languages; a test says so."""
WEEKDAY = (
    r"(?:(?i:(?:mo[nm]?|tu[e]?|we|thu?|fr[ei]?|sat?|sun?|di[em]?|mi[ét]?|do[mn]?|so[bn]?|lun?|mar?|mer|jeu?|jue|ven|vie|vr|za|zo|wo|dim|gio|sá?b|s[aá]b|sam|seg|ter|qua|qui|sex|pon|wt|śr|czw|pt|pi[ąa]|nie|tir|tis|ons|tor|l[øö]r|s[øö]n|man|må)"
    r"\p{L}{0,9})[.,]{0,2} +)?")
"""The day of the week, which says nothing new."""


def month_of(word: str) -> int | None:
    """The number of the month that a word names, in any case and without its dot."""
    return _NUMBERS.get(word.lower().rstrip("."))


def month_names() -> list[str]:
    """Every way to name a month, in small letters."""
    return sorted(_NUMBERS)
