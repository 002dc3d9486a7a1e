"""Words of many languages as they stand in usage files (customers, towns, kinds), and the code pages that each is written in."""

LANGUAGES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "German": (("cp1252", "iso8859_15", "mac_roman", "cp850", "cp437"), ("Müller", "Größe", "Straße", "Käufer", "Zürich", "Österreich", "Jörg", "Gebühr", "Düsseldorf", "Änderung")),
    "French": (("cp1252", "iso8859_15", "mac_roman", "cp850"), ("Société", "Numéro", "français", "élève", "Génération", "août", "Hôtel", "Évry", "œuvre", "Noël")),
    "Spanish": (("cp1252", "iso8859_15", "mac_roman", "cp850"), ("España", "Peña", "Málaga", "año", "Núñez", "Información", "teléfono", "Córdoba", "Íñigo", "según")),
    "Portuguese": (("cp1252", "iso8859_15", "mac_roman", "cp850"), ("São Paulo", "Descrição", "João", "Preço", "Mês", "Código", "usuário", "Conceição", "Água", "período")),
    "Nordic": (("cp1252", "iso8859_15", "mac_roman", "cp850"), ("Malmö", "Ålesund", "København", "Tromsø", "Håkan", "Järvinen", "Sjælland", "Göteborg", "Række", "mängd")),
    "Polish": (("cp1250", "iso8859_2", "cp852", "mac_latin2"), ("Łódź", "Kraków", "Wrocław", "Gdańsk", "imię", "Częstochowa", "usługa", "Białystok", "wartość", "zużycie łączne")),
    "Czech": (("cp1250", "iso8859_2", "cp852", "mac_latin2"), ("Plzeň", "Příbram", "Jiří", "množství", "Ústí", "Dvořák", "číslo", "Třebíč", "zákazník", "spotřeba")),
    "Hungarian": (("cp1250", "iso8859_2", "cp852"), ("Győr", "Székesfehérvár", "mennyiség", "ügyfél", "Erdős", "fű", "összeg", "Pécs", "időszak", "Nagykőrös")),
    "Romanian": (("cp1250", "iso8859_2"), ("Timişoara", "Bucureşti", "Constanţa", "număr", "Iaşi", "preţ", "Călin", "Braşov", "lună", "Târgu")),
    "Russian": (("cp1251", "koi8_r", "cp866", "mac_cyrillic", "iso8859_5", "cp855"), ("Москва", "Клиент", "Иванов", "количество", "Общество", "Санкт-Петербург", "услуга", "Сергей", "дата", "Ростов")),
    "Ukrainian": (("cp1251", "koi8_u", "mac_cyrillic"), ("Київ", "Клієнт", "кількість", "Львів", "послуга", "Олексій", "ціна", "Харків", "Її", "рік")),
    "Bulgarian": (("cp1251", "iso8859_5", "mac_cyrillic"), ("София", "Клиент", "количество", "Пловдив", "услуга", "Георги", "цена", "Бургас", "месец", "дата")),
    "Greek": (("cp1253", "iso8859_7", "cp737", "cp869", "mac_greek"), ("Αθήνα", "Πελάτης", "Ποσότητα", "Θεσσαλονίκη", "Γιώργος", "Πάτρα", "τιμή", "υπηρεσία", "μήνας", "Ηράκλειο")),
    "Turkish": (("cp1254", "iso8859_9", "cp857", "mac_turkish"), ("müşteri", "İstanbul", "Eskişehir", "Iğdır", "Ağrı", "şehir", "Çağrı", "fiyatı", "Güneş", "Diyarbakır")),
    "Hebrew": (("cp1255", "iso8859_8", "cp862"), ("לקוח", "ירושלים", "כמות", "תל אביב", "חיפה", "מחיר", "תאריך", "שם", "שירות", "חודש")),
    "Arabic": (("cp1256", "iso8859_6", "cp720"), ("القاهرة", "العميل", "الكمية", "الرياض", "محمد", "السعر", "تاريخ", "الخدمة", "دبي", "الشهر")),
    "Lithuanian": (("cp1257", "iso8859_13", "cp775"), ("Šiauliai", "Panevėžys", "Klaipėda", "ąžuolas", "kiekis š", "miestų", "Kėdainiai", "įmonė", "Mažeikiai", "mėnuo")),
    "Japanese": (("cp932", "euc_jp", "iso2022_jp"), ("東京", "顧客名", "数量", "株式会社", "カタカナ", "お客様", "サービス", "請求書", "大阪", "使用量")),
    "Chinese": (("gb18030", "gbk"), ("北京", "客户", "数量", "有限公司", "上海", "电话", "服务", "广州市", "日期", "用量")),
    "Traditional": (("big5", "cp950"), ("臺北市", "客戶", "數量", "有限公司", "電話", "地址", "服務", "高雄", "日期", "用量")),
    "Korean": (("cp949", "euc_kr"), ("서울시", "고객", "수량", "주식회사", "부산", "합계", "서비스", "사용량", "날짜", "금액")),
}
COUNTS = (1, 3, 10)


def file_of(words: tuple[str, ...]) -> str:
    """A small file in which words stand among plain ones."""
    plain = ("acme", "globex", "hooli", "initech", "umbrella")
    rows = [f"{plain[number % 5]};{words[number] if number < len(words) else 'none'};{number + 3};2025-11-{number + 1:02d}" for number in range(max(len(words), 5))]
    return "customer;name;quantity;day\n" + "\n".join(rows) + "\n"


CASES = [(language, encoding, count, first) for language, (encodings, words) in LANGUAGES.items() for encoding in encodings for count in COUNTS for first in (range(len(words)) if count == 1 else range(0, len(words) - count + 1, 2))]
"""Language, encoding, how many words, the first of them; where the encoding has them all."""
