// Package childenv is the environment that a detached process of the program
// starts with. Of this module it imports internal/webproxy alone.
package childenv

import (
	"strings"

	"github.com/artifacts-tui/artifacts-tui/internal/webproxy"
)

// Scrubbed returns the entries of environ that a child may have: how to find
// programs, folders, proxies and certificates. Everything else stays behind, above all
// the ARTIFACTS_S3_*, AWS_* and RCLONE_* variables and the proxies whose URL holds a password (SPEC A31, A35).
func Scrubbed(environ []string) []string {
	var out []string
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if kept(name, value) {
			out = append(out, entry)
		}
	}
	return out
}

func kept(name, value string) bool {
	switch name {
	case "PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR", // the usual
		"AWS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", // names of files
		"GOCOVERDIR", "GORACE": // for a program built to be examined
		return true
	}
	if strings.HasPrefix(name, "LC_") || strings.HasPrefix(name, "XDG_") {
		return true
	}
	switch strings.ToUpper(name) {
	case "NO_PROXY":
		return true
	case "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY":
		return !webproxy.Secret(value)
	}
	return false
}
