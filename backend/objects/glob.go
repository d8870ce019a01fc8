package objects

import (
	"regexp"
	"strings"
)

// glob is a pattern of keys: * is anything but "/", ** anything, ? one character but "/", and
// a backslash before one of *, ? and itself takes that as it is.
type glob struct {
	prefix string // of every key that matches
	match  *regexp.Regexp
	flat   bool // nothing but names in one folder can match
}

// hasGlob reports whether a path is a pattern; plain is the path meant where it is none.
func hasGlob(path string) (plain string, pattern bool) {
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		switch {
		case escaped(path[i:]):
			i++
		case path[i] == '*' || path[i] == '?':
			return "", true
		}
		b.WriteByte(path[i])
	}
	return b.String(), false
}

func escaped(s string) bool {
	return len(s) > 1 && s[0] == '\\' && strings.IndexByte(`*?\`, s[1]) >= 0
}

// Escape writes a key so that it is taken as it is.
func Escape(key string) string { return escaper.Replace(key) }

var escaper = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`)

func newGlob(pattern string) glob {
	var g glob
	var literal, expr strings.Builder
	expr.WriteString(`(?s)\A`)
	begun, deep := false, false
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		switch {
		case escaped(pattern[i:]):
			i++
			c = pattern[i]
		case c == '*' || c == '?':
			begun = true
			switch {
			case c == '?':
				expr.WriteString(`[^/]`)
			case strings.HasPrefix(pattern[i:], "**/"): // no folder is one too
				expr.WriteString(`(?:.*/)?`)
				deep = true
				i += 2
			case strings.HasPrefix(pattern[i:], "**"):
				expr.WriteString(`.*`)
				deep = true
				i++
			default:
				expr.WriteString(`[^/]*`)
			}
			continue
		}
		if !begun {
			literal.WriteByte(c)
		} else if c == '/' {
			deep = true
		}
		if c < 0x80 {
			expr.WriteString(regexp.QuoteMeta(string(rune(c))))
		} else {
			expr.WriteByte(c)
		}
	}
	expr.WriteString(`\z`)
	g.prefix, g.flat = literal.String(), !deep
	g.match = regexp.MustCompile(strings.ToValidUTF8(expr.String(), "."))
	return g
}

// folder is the part of a path up to its last "/", that included.
func folder(path string) string { return path[:strings.LastIndexByte(path, '/')+1] }

// base is the rest.
func base(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// Plain is the key that a path means; pattern is true where it means several.
func Plain(path string) (key string, pattern bool) { return hasGlob(path) }
