"""How secrets look in logs, rows and commands: by their own shape, or by what stands before them."""

import re

COLOUR = re.compile(r"(?:\x1b|\\x1b)\[[\d;]*m")

STRONG = (
    r"(?:secret|token(?!s\b)|passw(?:or)?d|passwd|passphrase|pwd|api[_-]?key|access[_-]?key"
    r"|private[_-]?key|credential|auth(?!or)|bearer|cookie|dsn)[\w.-]{0,60}"
)
# What these name is a secret often, and often is not.
_WEAK = (
    r"(?:(?<!primary)(?<!foreign)(?<!public)(?<!sort)(?<!cache)[_-]key\b|[_-](?:pat|sig|pass)\b"
    r"|\b(?:(?<!not )(?<!tests )pass|passwort|signature)\b|(?<=[a-z])(?-i:Key)\b)"
)
_QUOTE = r"(?:\\*[\"']|&quot;|%22)"
_EQUALS = r"\s*(?:=>|->|:=|[:=]|%3[AD])\s*"
_IS = rf"(?:{_QUOTE}?{_EQUALS}|{_QUOTE}?\s*\b(?:is|was)\b\s*|{_QUOTE}\s*,\s*(?={_QUOTE}))"
_SAYS = rf"{_QUOTE}?{_EQUALS}{_QUOTE}?"
_QUOTED = (
    r"'''[\s\S]{1,2000}?'''|\"\"\"[\s\S]{1,2000}?\"\"\""
    r"|\"(?:[^\"\\]|\\[\s\S]){0,2000}\"|'(?:[^'\\]|\\[\s\S]){0,2000}'"
    r"|(?P<quote>\\+[\"']|&quot;|%22)[\s\S]{0,2000}?(?P=quote)"
)
_VALUE = rf"(?P<value>{_QUOTED}|[^\s\"'](?:\\\n|\S)*)"
_SETTING = rf"[\w.-]{{0,60}}?(?:{STRONG}|{_WEAK})"
_LINES = r"(?P<value>(?:(?P=indent)[ \t]+.*(?:\n|\Z))+)"
_KEY = r"PRIVATE KEY(?: BLOCK)?-----"

# Each has the secret as its group ``value``, or is one as a whole. What may repeat within a long line
# has a bound, for the time has to grow with the length of a text and no faster.
SHAPES = tuple(
    re.compile(one)
    for one in (
        rf"-----BEGIN [A-Z0-9 ]*{_KEY}[\s\S]*?(?:-----END [A-Z0-9 ]*{_KEY}|\Z)",
        rf"\A(?:(?!-----BEGIN)[\s\S])*?-----END [A-Z0-9 ]*{_KEY}",  # of what was cut off before
        r"Private-Lines:[\s\S]*?(?=Private-MAC|\Z)",
        r"(?<=://)[^\s/@:\"'<>]{0,99}:(?P<value>[^\s\"'<>]{1,300})(?=@[\w\[.%-])",
        r"(?<=https://)(?P<value>[^\s/@:\"'<>]{1,300})(?=@)",
        r"(?i)[?&;](?:key|sig|code|sid|session|x-amz-[\w-]+)=(?P<value>[^&\s\"']+)",
        r"(?<=hooks\.slack\.com/services/)[\w/-]+",
        r"(?<=/api/webhooks/)[\w/-]+",
        r"(?i)(?<=\bbearer )[\w.~+/=-]{8,}",
        r"\b[sr]k-[A-Za-z0-9_-]{16,}",
        r"\bsk-(?:proj|ant)-[A-Za-z0-9_-]+",
        r"\b[sr]k_(?:live|test)_[A-Za-z0-9]{10,}",
        r"\bwhsec_[A-Za-z0-9]{10,}",
        r"\bgh[pousr]_[A-Za-z0-9]{16,}",
        r"\bgithub_pat_[A-Za-z0-9_]{20,}",
        r"\bglpat-[A-Za-z0-9_-]{16,}",
        r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}",
        r"(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}",
        r"\bAIza[0-9A-Za-z_-]{30,}",
        r"\bya29\.[0-9A-Za-z_-]{16,}",
        r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
        r"\b(?:npm|hf|pypi|dop_v1|figd|shpat|lin_api)[_-][A-Za-z0-9_-]{16,}",
        r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
        r"\bAGE-SECRET-KEY-1[0-9A-Z]{20,}",
    )
)
# A secret by what stands before it, as far as its kind of text goes.
NAMED = tuple(
    re.compile(one)
    for one in (
        rf"(?i)authorization{_QUOTE}?\s*[:=,]\s*(?P<value>{_QUOTED}|[^\s\"'\\][^\n]*(?:\n[ \t]+\S+)?)",
        r"(?i)\b(?:set-)?cookie:[ \t]*(?P<value>[^\n]+)",
        r"(?i)\b(?:passphrase|mnemonic|seed[ _-]phrase)[ \t]*[:=][ \t]*(?P<value>[^\s\"'][^\n]*)",
        rf"(?im)^(?P<indent>[ \t]*)[\w.-]*{STRONG}:[ \t]*[|>][+-]?[ \t]*\n{_LINES}",
        rf"(?im)^[ \t\w.-]*{STRONG}:[ \t]*\n(?P<value>(?:[ \t]*-[ \t]+.*(?:\n|\Z))+)",
        rf"(?i)(?:{STRONG}|tokens){_QUOTE}{_EQUALS}(?P<value>\[[^\[\]]{{1,2000}}\]|\{{[^{{}}]{{1,2000}}\}})",
        rf"(?i)\bname{_SAYS}{_SETTING}{_QUOTE}?,?\s+{_QUOTE}?value{_QUOTE}?{_EQUALS}{_VALUE}",
        rf"(?i)<{_SETTING}(?:\s[^<>]*)?>(?P<value>[^<]+)<",
        rf"(?i){STRONG}{_IS}{_VALUE}",
        rf"(?i){_WEAK}{_IS}{_VALUE}",
        rf"(?i)(?<![\w-])--?[\w-]{{0,60}}?{STRONG}\s+(?!-){_VALUE}",
        r"(?i)\b(?:password|identified\s+by)\s+(?P<value>'[^'\n]+'|\"[^\"\n]+\")",
        r"(?i)\b(?:password|passwd|pwd|token|secret)[ \t]+(?P<value>(?=\S*\d)[^\s\"'=:,]{6,})",
        r"(?<=[ \"']-u[ =])[^\s:/\"']+:(?P<value>[^\s\"']+)",
        r"(?<=--user[ =])[^\s:/\"']+:(?P<value>[^\s\"']+)",
        r"\bsshpass -p ?(?P<value>\S+)",
        r"\b(?:mysql|mysqldump|mariadb)\b[^\n]{0,200}? -p(?P<value>[^\s\"']+)",
    )
)
# Long words that may be keys, if they look random.
WORD = re.compile(
    r"[A-Za-z0-9+_=-]{24,}|[A-Za-z0-9+/]{60,}={0,2}"
    r"|(?<![\w+/.-])[A-Za-z0-9+/]{40}(?![\w+/=.-])"
)
# Of a variable, of a column, or of one of a few settings in a row.
SECRET_NAME = re.compile(rf"(?i){STRONG}$|key$|[_-](?:pass|pat|sig|salt|pin)$|^pass$")
