package preview

import "strings"

// language is as much of one as colours need.
type language struct {
	comment  []string // that begin one to the end of the line
	block    [2]string
	quotes   string
	keywords map[string]bool
}

func words(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}

var (
	braces = language{
		comment: []string{"//"}, block: [2]string{"/*", "*/"}, quotes: "\"'`",
		keywords: words("if else for while do switch case default break continue return func function fn def class struct enum union interface type var let const static public private protected import export package from as use mod pub impl trait match loop go defer select chan map range new delete this self super null nil none true false void int long short char float double bool boolean string byte async await yield try catch finally throw throws extends implements final abstract namespace template typename using include define goto in of instanceof typeof where mut ref unsafe"),
	}
	script = language{
		comment: []string{"#"}, quotes: "\"'",
		keywords: words("if then else elif fi for while until do done case esac in function return break continue def class import from as with try except finally raise pass lambda yield global nonlocal and or not is None True False true false self end begin require module unless elsif rescue ensure local export set unset echo exit FROM RUN COPY ADD ENV CMD ENTRYPOINT WORKDIR EXPOSE USER ARG async await assert del"),
	}
	settings = language{comment: []string{"#", ";"}, quotes: "\"'", keywords: words("true false null yes no on off True False None")}
	query    = language{
		comment: []string{"--"}, block: [2]string{"/*", "*/"}, quotes: "'\"",
		keywords: words("select from where and or not insert into values update set delete create table index view drop alter add join left right inner outer on group by order having limit offset union all distinct as null is in like between case when then else end primary key foreign references default SELECT FROM WHERE AND OR NOT INSERT INTO VALUES UPDATE SET DELETE CREATE TABLE INDEX VIEW DROP ALTER ADD JOIN LEFT RIGHT INNER OUTER ON GROUP BY ORDER HAVING LIMIT OFFSET UNION ALL DISTINCT AS NULL IS IN LIKE BETWEEN CASE WHEN THEN ELSE END PRIMARY KEY FOREIGN REFERENCES DEFAULT"),
	}
	jsonLanguage = language{quotes: "\"", keywords: words("true false null")}
	markup       = language{block: [2]string{"<!--", "-->"}, quotes: "\"'"}
)

// languages are known by the ends of names.
var languages = map[string]*language{
	".go": &braces, ".c": &braces, ".h": &braces, ".cc": &braces, ".cpp": &braces, ".hpp": &braces, ".rs": &braces, ".java": &braces,
	".js": &braces, ".jsx": &braces, ".ts": &braces, ".tsx": &braces, ".mjs": &braces, ".kt": &braces, ".swift": &braces, ".cs": &braces,
	".php": &braces, ".scala": &braces, ".proto": &braces, ".css": &braces, ".scss": &braces, ".tf": &script, ".jsonl": &jsonLanguage, ".ndjson": &jsonLanguage,
	".py": &script, ".sh": &script, ".bash": &script, ".zsh": &script, ".rb": &script, ".pl": &script, ".r": &script, ".mk": &script, ".dockerfile": &script,
	".yaml": &settings, ".yml": &settings, ".toml": &settings, ".ini": &settings, ".conf": &settings, ".cfg": &settings, ".env": &settings, ".properties": &settings,
	".sql": &query, ".html": &markup, ".xml": &markup, ".svg": &markup, ".vue": &markup,
}

func code(text string, l *language) Document {
	d := Document{Kind: Code}
	inBlock := false
	for _, line := range lines(text) {
		var spans []Span
		spans, inBlock = l.line(line, inBlock)
		d.Lines = append(d.Lines, spans)
	}
	return d
}

// line takes one line apart; block: it begins, and whether it ends, in a comment.
func (l *language) line(s string, block bool) (spans []Span, still bool) {
	add := func(text string, tone Tone) {
		if n := len(spans); n > 0 && spans[n-1].Tone == tone {
			spans[n-1].Text += text
		} else if text != "" {
			spans = append(spans, Span{text, tone})
		}
	}
	for s != "" {
		n, tone := l.next(s, &block)
		add(s[:n], tone)
		s = s[n:]
	}
	return spans, block
}

// next is the length and tone of what s begins with.
func (l *language) next(s string, block *bool) (int, Tone) {
	if l.block[0] != "" && (*block || strings.HasPrefix(s, l.block[0])) {
		from := 0
		if !*block {
			from = len(l.block[0])
		}
		if end := strings.Index(s[from:], l.block[1]); end >= 0 {
			*block = false
			return from + end + len(l.block[1]), Comment
		}
		*block = true
		return len(s), Comment
	}
	for _, c := range l.comment {
		if strings.HasPrefix(s, c) {
			return len(s), Comment
		}
	}
	c := s[0]
	switch {
	case strings.IndexByte(l.quotes, c) >= 0:
		for i := 1; i < len(s); i++ {
			switch s[i] {
			case '\\':
				i++
			case c:
				return i + 1, String
			}
		}
		return len(s), String
	case letter(c):
		n := 1
		for n < len(s) && (letter(s[n]) || digit(s[n])) {
			n++
		}
		if l.keywords[s[:n]] {
			return n, Keyword
		}
		return n, Plain
	case digit(c):
		n := 1
		for n < len(s) && (letter(s[n]) || digit(s[n]) || s[n] == '.') {
			n++
		}
		return n, Number
	}
	return 1, Plain
}

func letter(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80 }
func digit(c byte) bool  { return c >= '0' && c <= '9' }
