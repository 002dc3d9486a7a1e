"""How much a text looks like a language: the letters that its encoding should have given, and the order they come in."""

import re
from collections.abc import Iterator
from typing import NamedTuple

WESTERN = "äöüßàâáãåæçéèêëîïíìñôóòõøùûúœÿ"
CENTRAL = "áâäéëíîóôöúüýąćčďęěĺľłńňőŕřśšťůűźżžăşţșțđ"
TURKISH = "çğıöşüâîûİ"
BALTIC = "ąčęėįšųūžāēģīķļņōŗõäöü"
CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюяёіїєґўђјљњћџѓќѕ"
GREEK = "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ"
HEBREW = "אבגדהוזחטיךכלםמןנסעףפץצקרשת"
ARABIC = "ابتثجحخدذرزسشصضطظعغفقكلمنهويىةءآأؤإئپچژگ"
HAN = "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因由其些然前外天政四日那社义事平形相全表间样与关各重新线内数正心反明看原又利比或但质气第向道命此变条只没结解问意建月公无系军很情者最立代想已通并提直题党程展五果料象员革位入常文总次品式活设及管特件长求老头基资边流路级少图山统接知较将组见计别她手角期根论运农指几九区强放决西被干做必战先回则任取据处队南给色光门即保治北造百规热领七海口东导器压志世金增争济阶油思术极交受联认六共权收证改清己美再采转更单风切打白教速花带安场身车例真务具万每目至达走积示议声报斗完类八离华名确才科张信马节话米整空元况今集温传土许步群广石记需段研界客户电话地址编号价格费用合计日期数量金额备注省市县区镇村街號業國時會對們個經發點電話應實體說為來過種長開關間問題東車門"
HAN_TRADITIONAL = "的一是在不了有和人這中大為上個國我以要他時來用們生到作地於出就分對成會可主發年動同工也能下過子說產種面而方後多定行學法所民得經十三之進著等部度家電力裡如水化高自二理起小物現實加量都兩體制機當使點從業本去把性好應開它合還因由其些然前外天政四日那社義事平形相全表間樣與關各重新線內數正心反明看原又利比或但質氣第向道命此變條只沒結解問意建月公無系軍很情者最立代想已通並提直題程展五果料象員位入常文總次品式活設及管特件長求老頭基資邊流路級少圖山統接知較將組見計別手角期根論運農指幾九區強放決西被做必先回則任取據處隊南給色光門即保治北造百規熱領七海口東導器壓志世金增爭油思術極交受聯認六共權收證改清美再採轉更單風切打白教速花帶安場身車例真務具萬每目至達客戶話地址編號價格費合計日期數量額備註省市縣鎮村街灣臺北"
KANJI = "日一国会人年大十二本中長出三同時政事自行社見月分議後前民生連五発間対上部東者党地合市業内相方四定今回新場金員九入選立開手米力学問高代明実円関決子動京全目表戦経通外最言氏現理調体化田当八六約主題下首意法不来作性的要用制治度務強気小七成期公野協取都和統以機平総加山思家話世受区領多県続進正安設保改数記院女初北午指権心界支第産結百派点教報済書府活原先共得解名交資予川向際査勝面委告軍文反元重近千考判認画海参売利組知案道信策集在件団別物側任引使求所次水半品昨論計死官増係感特情投示変打男基私各始島直両朝革価式確村提運終挙果西勢減台広容必応演電歳住争談能無再位置企真流格有疑口過局少放税検藤町常校料沢裁状工建語球営空職証土与急止送援供可役構木割聞身費付施切由説転食比難防補車優夫研収断井何南石足違消境神番規術護展態導鮮備宅害配副算視条幹独警宮究育席輸訪楽起万着乗店述残想線率病農州武声質念待試族象銀域助労例衛然早張映限親額監環験追審商葉義伝働形景落欧担好退準賀訴辺造英被株頭技低毎医復仕去姿味負閣韓渡失移差衆個門写評課末守若脳極種美岡影命含福蔵量望松非撃佐核観察整段横融型白深字答夜製票況音申様財港識注呼渉達"
KANA = "".join(map(chr, [*range(0x3041, 0x3097), *range(0x30A1, 0x30FD)]))
COMMON_HANGUL = "이다의에는가을은를로하고한지사기인도자리어서해시대아나정부일수그구전과원들보제만상장국성주공안선금우라동여회비조민면경소용명고객수량날짜금액요합계서울시월년개실연북남업체무유정화세치관당모위발신재단번호"
MARKS = set("\u00a0°–—“”„’‘…€£§²³µ«»·×½¼№™®©¿¡ºª，。、：；（）「」・％－～")
LATIN_RUN = re.compile("[^\x00-\x7f]{3,}")
HAN_SIGN = re.compile("[\u4e00-\u9fff\uac00-\ud7a3]")
LATIN_BESIDE = re.compile("[A-Za-z][^\x00-\x7f]|[^\x00-\x7f][A-Za-z]")

class Family(NamedTuple):
    """Encodings for the same letters."""

    letters: frozenset[str]
    encodings: tuple[str, ...]
    prior: float = 0.0

    @property
    def is_latin(self) -> bool:
        """Whether its letters stand among those of ASCII."""
        return "ö" in self.letters or "ş" in self.letters or "ą" in self.letters


def _family(letters: str, *encodings: str, prior: float = 0.0) -> Family:
    return Family(frozenset(letters) | frozenset(letters.upper()), encodings, prior)


FAMILIES = (
    _family(WESTERN, "cp1252", "mac_roman", "cp850", "cp437", prior=0.06),
    _family(CENTRAL, "cp1250", "iso8859_2", "cp852", "mac_latin2", prior=0.03),
    _family(CYRILLIC, "cp1251", "koi8_r", "cp866", "mac_cyrillic", "iso8859_5", "koi8_u"),
    _family(GREEK, "cp1253", "iso8859_7", "cp737", "mac_greek", "cp869"),
    _family(TURKISH, "cp1254", "cp857", "mac_turkish"),
    _family(HEBREW, "cp1255", "iso8859_8", "cp862"),
    _family(ARABIC, "cp1256", "iso8859_6", "cp864", "mac_arabic"),
    _family(BALTIC, "cp1257", "iso8859_4", "cp775"),
    _family(KANA + KANJI, "cp932", "euc_jp", "iso2022_jp"),
    _family(HAN, "gb18030"),
    _family(HAN_TRADITIONAL, "big5"),
    _family(COMMON_HANGUL, "cp949", "johab"),
)
COMMON = frozenset("éäöüèàçñáíóąęłśżčšžěřоеаинтсрвлкαειοντσηρוילהאמתרבالمنيوتربا")
"""Letters that are frequent in their language; capitals of these languages aren't."""


def likeness(text: str, family: Family) -> float:
    """How well a text fits, about 0 to 1.3: the share of letters beyond ASCII that the language has, less what never stands so."""
    odd = [char for char in text if char > "\x7f"]
    if not odd:
        return 0.0
    known = sum(1.3 if char in COMMON else 1.0 if char in family.letters else 0.6 if char in MARKS else 0.7 if HAN_SIGN.match(char) and not family.is_latin and HAN_SIGN.match(max(family.letters)) else -1.0 for char in odd)
    wrong = sum(before.islower() and char.isupper() and char > "\x7f" for before, char in zip(text, text[1:], strict=False))
    split = sum(before.isalpha() and after.isalpha() and char in MARKS - {"’", "‘", "·", "\u00a0"} for before, char, after in zip(text, text[1:], text[2:], strict=False) if char > "\x7f")
    strange = sum(map(len, LATIN_RUN.findall(text))) if family.is_latin else len(LATIN_BESIDE.findall(text))
    return (known - 1.5 * wrong - 1.5 * split - strange) / len(odd) + family.prior


class Reading(NamedTuple):
    """A text in one encoding, and how much it looks like a language."""

    score: float
    encoding: str
    text: str


def readings(sample: bytes) -> list[Reading]:
    """The texts that some bytes give without an error, the likeliest first; of encodings that give the same text only the first."""
    found: dict[str, Reading] = {}
    for family in FAMILIES:
        for encoding, text in _decoded(sample, family):
            score = likeness(text, family)
            if text not in found or found[text].score < score - 0.05:
                found[text] = Reading(score, encoding, text)
    return sorted(found.values(), key=lambda reading: -reading.score)


def _decoded(sample: bytes, family: Family) -> Iterator[tuple[str, str]]:
    for encoding in family.encodings:
        try:
            yield encoding, sample.decode(encoding)
        except UnicodeError:
            continue
