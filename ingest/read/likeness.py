"""How likely some bytes are as text in each encoding: by how often letters follow one another in the languages that are written in it."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from math import log
from pathlib import Path
from typing import NamedTuple
from unicodedata import category

TABLE = Path(__file__).with_name("letters.json")
"""Letters and pairs of letters by language, counted in the names of the Unicode CLDR; made by benchmarks/_make_letters.py."""
HAN = "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因由其些然前外天政四日那社义事平形相全表间样与关各重新线内数正心反明看原又利比或但质气第向道命此变条只没结解问意建月公无系军很情者最立代想已通并提直题党程展五果料象员革位入常文总次品式活设及管特件长求老头基资边流路级少图山统接知较将组见计别她手角期根论运农指几九区强放决西被干做必战先回则任取据处队南给色光门即保治北造百规热领七海口东导器压志世金增争济阶油思术极交受联认六共权收证改清己美再采转更单风切打白教速花带安场身车例真务具万每目至达走积示议声报斗完类八离华名确才科张信马节话米整空元况今集温传土许步群广石记需段研界客户电话地址编号价格费用合计日期数量金额备注省市县区镇村街號業國時會對們個經發點電話應實體說為來過種長開關間問題東車門"
HAN_TRADITIONAL = "的一是在不了有和人這中大為上個國我以要他時來用們生到作地於出就分對成會可主發年動同工也能下過子說產種面而方後多定行學法所民得經十三之進著等部度家電力裡如水化高自二理起小物現實加量都兩體制機當使點從業本去把性好應開它合還因由其些然前外天政四日那社義事平形相全表間樣與關各重新線內數正心反明看原又利比或但質氣第向道命此變條只沒結解問意建月公無系軍很情者最立代想已通並提直題程展五果料象員位入常文總次品式活設及管特件長求老頭基資邊流路級少圖山統接知較將組見計別手角期根論運農指幾九區強放決西被做必先回則任取據處隊南給色光門即保治北造百規熱領七海口東導器壓志世金增爭油思術極交受聯認六共權收證改清美再採轉更單風切打白教速花帶安場身車例真務具萬每目至達客戶話地址編號價格費合計日期數量額備註省市縣鎮村街灣臺北"
KANJI = "日一国会人年大十二本中長出三同時政事自行社見月分議後前民生連五発間対上部東者党地合市業内相方四定今回新場金員九入選立開手米力学問高代明実円関決子動京全目表戦経通外最言氏現理調体化田当八六約主題下首意法不来作性的要用制治度務強気小七成期公野協取都和統以機平総加山思家話世受区領多県続進正安設保改数記院女初北午指権心界支第産結百派点教報済書府活原先共得解名交資予川向際査勝面委告軍文反元重近千考判認画海参売利組知案道信策集在件団別物側任引使求所次水半品昨論計死官増係感特情投示変打男基私各始島直両朝革価式確村提運終挙果西勢減台広容必応演電歳住争談能無再位置企真流格有疑口過局少放税検藤町常校料沢裁状工建語球営空職証土与急止送援供可役構木割聞身費付施切由説転食比難防補車優夫研収断井何南石足違消境神番規術護展態導鮮備宅害配副算視条幹独警宮究育席輸訪楽起万着乗店述残想線率病農州武声質念待試族象銀域助労例衛然早張映限親額監環験追審商葉義伝働形景落欧担好退準賀訴辺造英被株頭技低毎医復仕去姿味負閣韓渡失移差衆個門写評課末守若脳極種美岡影命含福蔵量望松非撃佐核観察整段横融型白深字答夜製票況音申様財港識注呼渉達"
HANGUL = "이다의에는가을은를로하고한지사기인도자리어서해시대아나정부일수그구전과원들보제만상장국성주공안선금우라동여회비조민면경소용명고객수량날짜금액요합계서울시월년개실연북남업체무유정화세치관당모위발신재단번호"
KANA = "".join(map(chr, [*range(0x3041, 0x3097), *range(0x30A1, 0x30FD)]))
COMMON = {"zh": HAN, "zh_Hant": HAN_TRADITIONAL, "ja": KANJI + KANA, "ko": HANGUL}
ALPHABETS = {
    "de": "äöüß", "fr": "àâæçéèêëîïôœùûüÿ", "es": "áéíñóúü", "pt": "ãáàâçéêíóôõúü", "it": "àèéìòù", "nl": "éëïóöü", "da": "æøåéü", "sv": "åäöéü", "nb": "æøåéôü", "fi": "äöåé",
    "pl": "ąćęłńóśźżü", "cs": "áčďéěíňóřšťúůýžöü", "sk": "áäčďéíĺľňóôŕšťúýž", "hu": "áéíóöőúüű", "ro": "ăâîșşțţ", "hr": "čćđšž", "sl": "čšžćđ", "tr": "çğıiöşüâîû", "lt": "ąčęėįšųūž", "lv": "āčēģīķļņšūž", "et": "äöõüšž",
}
"""Letters of a language that are at home in it even where the names of countries hold few."""
WEST, CENTRE = "de fr es pt it nl da sv nb fi", "pl cs sk hu ro hr sl de"
ENCODINGS: dict[str, tuple[str, float]] = {
    "cp1252": (WEST, 0.0), "mac_roman": (WEST, -2.5), "cp850": (WEST, -2.0), "cp437": (WEST, -2.5), "iso8859_15": (WEST, -3.5), "cp1250": (CENTRE, -1.0), "iso8859_2": (CENTRE, -1.5), "cp852": (CENTRE, -2.5), "mac_latin2": (CENTRE, -4.0), "iso8859_16": ("ro", -5.0),
    "cp1251": ("ru uk bg sr", -0.5), "koi8_r": ("ru bg", -1.5), "cp866": ("ru bg uk", -1.5), "mac_cyrillic": ("ru uk bg sr", -3.0), "iso8859_5": ("ru bg sr uk", -2.5), "koi8_u": ("uk ru", -2.0), "cp855": ("ru bg sr uk", -3.5),
    "cp1253": ("el", -1.0), "iso8859_7": ("el", -1.2), "cp737": ("el", -2.5), "cp869": ("el", -3.5), "mac_greek": ("el", -3.5), "cp1254": ("tr", -1.0), "iso8859_9": ("tr", -1.5), "cp857": ("tr", -3.0), "mac_turkish": ("tr", -4.0),
    "cp1255": ("he", -1.0), "iso8859_8": ("he", -1.5), "cp862": ("he", -2.5), "cp1256": ("ar", -1.0), "iso8859_6": ("ar", -2.0), "cp720": ("ar", -3.5), "mac_arabic": ("ar", -3.0), "cp864": ("ar", -5.0),
    "cp1257": ("lt lv et", -2.5), "iso8859_13": ("lt lv et", -3.5), "cp775": ("lt lv et", -4.5), "iso8859_4": ("lv lt et", -4.0), "cp874": ("th", -1.0),
    "cp932": ("ja", -0.5), "euc_jp": ("ja", -1.5), "shift_jis_2004": ("ja", -5.0), "gb18030": ("zh", -0.5), "big5": ("zh_Hant", -1.0), "big5hkscs": ("zh_Hant", -3.0), "cp950": ("zh_Hant", -2.0), "cp949": ("ko", -0.5), "johab": ("ko", -5.0),
}
"""Encoding → languages written in it, and how common it is (a logarithm)."""
RARE_LANGUAGE = {"nl": -1.0, "it": -0.5, "sl": -1.0, "hr": -0.7, "et": -0.7, "sr": -1.0, "bg": -0.3, "sk": -0.3, "fi": -0.3}
MARKS = frozenset("\u00a0°–—“”„’‘…€£§²³µ«»·×½¼№™®©¿¡ºª，。、：；（）「」『』・％－～・ー〜＆！？【】")
AMID_WORDS = frozenset("’・ー")
BEFORE_WORDS = frozenset("«„“‘¿¡（「『【\u00a0’–—°·・ー・、。，：；")
"""Marks after which a word may begin."""
NEVER, FOREIGN, MARK, FLOOR = log(1e-7), log(1e-6), log(0.03), 1e-5
CAPITAL_INSIDE, CAPITAL_FIRST, CAPITAL_AGAIN, MARK_INSIDE = log(1e-3), log(0.3), log(0.4), log(1e-3)
BESIDE_LATIN = {"ja": log(0.03), "zh": log(0.03), "zh_Hant": log(0.03), "ko": log(0.03), **dict.fromkeys(("ru", "uk", "bg", "sr", "el", "he", "ar", "th"), log(2e-4))}
"""How likely a letter of another script stands right beside a Latin one."""
SAME = {"ro": str.maketrans("şţ", "șț")}
"""Letters that older encodings have in place of others."""
AS_PLAIN = log(1e-4)
"""How likely a byte beyond ASCII stands for a plain character, as some do in Arabic encodings."""


class Reading(NamedTuple):
    """A text in one encoding, and how likely it is (a logarithm)."""

    score: float
    encoding: str
    text: str


class Language:
    """How likely one letter follows another in a language."""

    def __init__(self, name: str, table: Mapping[str, Mapping[str, int]]) -> None:
        self.letters, self.pairs, self.same = table["letters"], table["pairs"], SAME.get(name, {})
        self.beside_latin = BESIDE_LATIN.get(name, 0.0)
        self.total = sum(self.letters.values())
        self.common = frozenset(COMMON.get(name, ALPHABETS.get(name, "")))
        self.is_han = name in COMMON
        self.odd_share = max(sum(count for char, count in self.letters.items() if char > "\x7f") / self.total, 0.005)
        self.at_least = 0.5 / len(COMMON[name]) if self.is_han else 0.1 * self.odd_share
        self.known: dict[tuple[str, str], float] = {}

    def cost(self, before: str, char: str) -> float:
        """The logarithm of how likely `char` stands after `before`, one of which is beyond ASCII; both in small letters, a space for what is no letter.

        Where `char` is beyond ASCII, that one is has happened already in any reading of the byte: what counts is which one it is.
        """
        key = (before, char)
        if key not in self.known:
            self.known[key] = self._cost(before, char)
        return self.known[key]

    def _cost(self, before: str, char: str) -> float:
        before, char = before.translate(self.same), char.translate(self.same)
        mixed = self.beside_latin if "a" <= min(before, char) <= "z" else 0.0
        return mixed + self._of_pair(before, char)

    def _of_pair(self, before: str, char: str) -> float:
        alone = self.letters.get(char, 0) / self.total
        if char > "\x7f":
            if not alone and char not in self.common:
                return log(2e-5) if self.is_han and "\u4e00" <= char <= "\ud7a3" else FOREIGN
            alone = max(alone, self.at_least if char in self.common else 0.0)
        pair = self.pairs.get(before + char, 0) / max(self.letters.get(before, 0), 20)
        likely = log(0.75 * pair + 0.25 * alone + FLOOR)
        return likely - log(self.odd_share) if char > "\x7f" else likely


@cache
def languages() -> dict[str, Language]:
    """All languages by name."""
    return {name: Language(name, table) for name, table in json.loads(TABLE.read_text(encoding="utf-8")).items()}


def likelihood(text: str, language: Language) -> float:
    """The logarithm of how likely the characters beyond ASCII are in a language, where they stand; those after them too."""
    score, before = 0.0, " "
    upper = False
    for char in text:
        if char > "\x7f" or before > "\x7f":
            score += _step(before, char, language, upper=upper)
        if char.isalpha():
            upper, before = char.isupper(), char.lower()[0]
        else:
            upper, before = False, char if char in MARKS else " "
    return score


def _step(before: str, char: str, language: Language, *, upper: bool) -> float:
    if not char.isalpha():
        return _mark(before, char, language)
    inside = before.isalpha()
    if before in BEFORE_WORDS and char <= "\x7f":
        return 0.0
    score = MARK_INSIDE if before in MARKS and before not in BEFORE_WORDS else 0.0
    small = char.lower()
    score += language.cost(before if inside else " ", small[0])
    if char.isupper():
        score += CAPITAL_FIRST if not inside else CAPITAL_AGAIN if upper else CAPITAL_INSIDE
    return score


def _mark(before: str, char: str, language: Language) -> float:
    """The same for what is no letter."""
    if char <= "\x7f":
        return language.cost(before, " ") if before.isalpha() else 0.0
    if char not in MARKS:
        return NEVER
    return MARK + (MARK_INSIDE if before.isalpha() and char not in AMID_WORDS and not language.is_han else 0.0)


def readings(sample: bytes) -> list[Reading]:
    """The texts that some bytes give without an error, the likeliest first; of encodings that give the same text only the first."""
    found: dict[str, Reading] = {}
    for encoding, text, spoken, prior in _decoded(sample):
        score = prior + AS_PLAIN * _made_plain(sample, text, spoken) + max(likelihood(text, languages()[name]) + RARE_LANGUAGE.get(name, 0.0) for name in spoken)
        if text not in found or found[text].score < score:
            found[text] = Reading(score, encoding, text)
    return sorted(found.values(), key=lambda reading: -reading.score)


def is_strange(text: str) -> bool:
    """Whether all letters beyond ASCII in a text are such that no language we know has them."""
    odd = {char.lower()[0] for char in text if char > "\x7f" and category(char)[0] in "LM"}
    return bool(odd) and not any(char in MARKS or any(char in language.letters or char in language.common for language in languages().values()) for char in odd)


def _made_plain(sample: bytes, text: str, spoken: list[str]) -> int:
    """How many bytes beyond ASCII an encoding of one byte a character reads as plain characters."""
    return 0 if spoken[0] in COMMON else sum(byte > 0x7F for byte in sample) - sum(char > "\x7f" for char in text)


def _decoded(sample: bytes) -> Iterator[tuple[str, str, list[str], float]]:
    for encoding, (spoken, prior) in ENCODINGS.items():
        try:
            text = sample.decode(encoding)
        except UnicodeError:
            continue
        if not any("\x7f" <= char < "\xa0" or "\ue000" <= char <= "\uf8ff" for char in text):
            yield encoding, text, spoken.split(), prior
