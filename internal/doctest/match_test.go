package doctest

import (
	"regexp"
	"strings"
)

// varying is what differs from run to run and is taken for the same everywhere.
var varying = []struct {
	what *regexp.Regexp
	as   string
}{
	{regexp.MustCompile(`\b([0-9A-F]{2}:){31}[0-9A-F]{2}\b`), "<fingerprint>"},
	{regexp.MustCompile(`\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?( UTC|Z| \+0000)?`), "<time>"},
	{regexp.MustCompile(`\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT`), "<time>"},
	{regexp.MustCompile(`\b\d{8}T\d{6}(Z|\.\d+Z[\w-]*)?`), "<time>"},
	{regexp.MustCompile(`\b\d{4}-\d\d-\d\d\b`), "<date>"},
	{regexp.MustCompile(`\b\d\d:\d\d:\d\d\b`), "<time>"},
	{regexp.MustCompile(`\b(pid"?[ =:]+|PID:\s+)\d+`), "${1}<pid>"},
	{regexp.MustCompile(`\bmesh_[\w-]+…?`), "mesh_<token>"},
	{regexp.MustCompile(`\bSH[A-Z2-7]{18}\b`), "<access key of a share>"},
	{regexp.MustCompile(`\bSecret key: +\S+`), "Secret key: <secret>"},
	{regexp.MustCompile(`\b[0-9A-F]{16}\b`), "<request>"},
	// A workspace's prefix, a peer's id, a binding's, a fingerprint of keys, a workspace's id.
	{regexp.MustCompile(`(-|\bbinding )([0-9a-f]{6}|[0-9a-f]{8})\b`), "${1}<id>"},
	{regexp.MustCompile(`\b([0-9a-f]{12}|[0-9a-f]{16})\b`), "<id>"},
	{regexp.MustCompile(` {2,}`), "  "},
}

// plain is a line without what varies everywhere.
func plain(line string) string {
	for _, v := range varying {
		line = v.what.ReplaceAllString(line, v.as)
	}
	return strings.TrimRight(line, " ")
}

// rest is a line of a page that stands for any number of lines.
const rest = "…"

// matches reports whether a page's lines say what was printed. What matches varies, where it
// is not nil, is taken for the same.
func matches(want, got []string, varies *regexp.Regexp) bool {
	same := func(line string) string {
		if varies != nil {
			line = varies.ReplaceAllString(line, "<varies>")
		}
		return plain(line)
	}
	var pattern, text strings.Builder
	for _, line := range want {
		if strings.TrimSpace(line) == rest {
			pattern.WriteString(`(?:[^\n]*\n)*`)
			continue
		}
		parts := strings.Split(same(line), rest)
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		pattern.WriteString(strings.Join(parts, `[^\n]*`) + `\n`)
	}
	for _, line := range got {
		text.WriteString(same(line) + "\n")
	}
	return regexp.MustCompile(`^` + pattern.String() + `$`).MatchString(text.String())
}

// secret shortens what no page may show whole.
var secret = regexp.MustCompile(`(mesh_\w{6}|Secret key: +\w{6})[\w-]+`)

// merged is what was printed, with the page's own line wherever that says the same.
func merged(want, got []string, varies *regexp.Regexp) []string {
	lines := make([]string, len(got))
	for i, line := range got {
		lines[i] = secret.ReplaceAllString(line, "${1}…")
		if i < len(want) && strings.TrimSpace(want[i]) != rest && matches(want[i:i+1], got[i:i+1], varies) {
			lines[i] = want[i]
		}
	}
	return lines
}
