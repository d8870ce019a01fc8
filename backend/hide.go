package backend

import (
	"cmp"
	"encoding/base64"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/keyring"
)

// hider masks what is secret in a text: all that this program knows of, and what looks like it.
type hider struct{ known *strings.Replacer }

// secretLeast is the shortest value that is looked for, in bytes: a shorter one would be found in words.
const secretLeast = 8

// secretName is of variables whose value nobody should see.
var secretName = regexp.MustCompile(`(?i)(secret|token|passw|credential|_key|apikey|private)`)

// looksSecret are the forms in which secrets travel; what is in their last group is masked.
var looksSecret = []*regexp.Regexp{
	regexp.MustCompile(`(?i)((?:X-Amz-(?:Signature|Credential|Security-Token)|AWSAccessKeyId|Signature)=)([^&\s"'\\]+)`),
	regexp.MustCompile(`(?i)((?:Bearer|Basic|AWS4-HMAC-SHA256|AWS) +)([^\s"'\\,]*[=.:/][^\s"'\\]*|[A-Za-z0-9+_-]{16,})`),
	regexp.MustCompile(`(://)([^/\s:@"']*:[^/\s@"']+)@`),
	regexp.MustCompile(`(?i)("?(?:secret_?access_?key|secretkey|session_?token|password|token)"?\s*[:=]\s*"?)([^\s"',}]{4,})`),
	regexp.MustCompile(`()(-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z))`),
}

// secrets are those of the environment and of the files that this user's credentials are kept in.
func (a *App) secrets() hider {
	var values []string
	keep := func(s string) {
		if len(s) >= secretLeast {
			values = append(values, s)
		}
	}
	pair := func(c keyring.Credentials) {
		keep(c.SecretAccessKey.Reveal())
		keep(c.SessionToken.Reveal())
		keep(c.AccessKeyID)
	}
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		if secretName.MatchString(name) && !strings.HasPrefix(value, "/") {
			keep(value)
		}
		if strings.HasSuffix(strings.ToLower(name), "_proxy") {
			if !strings.Contains(value, "://") {
				value = "http://" + value
			}
			if u, err := url.Parse(value); err == nil && u.User != nil {
				password, _ := u.User.Password()
				values = append(values, cmp.Or(password, u.User.Username())) // however short
			}
		}
	}
	if e, err := a.cache.Stat(); err == nil {
		pair(e.Credentials)
	}
	if list, err := a.profiles.List(); err == nil {
		for _, p := range list {
			if e, err := a.profiles.Pair(p.Name).Stat(); err == nil {
				pair(e.Credentials)
			}
		}
	}
	if list, _, err := a.contexts.List(); err == nil {
		for _, c := range list {
			keep(c.Token.Reveal())
		}
	}
	if list, err := a.identities.List(); err == nil {
		for _, id := range list {
			keep(id.Token.Reveal())
		}
	}
	return newHider(values)
}

func newHider(values []string) hider {
	var forms []string
	for _, v := range values {
		for _, form := range []string{
			v, url.QueryEscape(v), url.PathEscape(v), base64.StdEncoding.EncodeToString([]byte(v)), base64.URLEncoding.EncodeToString([]byte(v)),
		} {
			if form != "" {
				forms = append(forms, form)
			}
		}
	}
	// Of two that begin alike the longer goes first.
	slices.SortFunc(forms, func(x, y string) int { return cmp.Or(cmp.Compare(len(y), len(x)), cmp.Compare(x, y)) })
	var pairs []string
	for _, f := range slices.Compact(forms) {
		pairs = append(pairs, f, "***")
	}
	return hider{strings.NewReplacer(pairs...)}
}

func (h hider) in(text []byte) []byte {
	s := h.known.Replace(string(text))
	for _, form := range looksSecret {
		s = form.ReplaceAllStringFunc(s, func(found string) string {
			m := form.FindStringSubmatch(found)
			return strings.Replace(found, m[1]+m[2], m[1]+"***", 1)
		})
	}
	return []byte(s)
}
