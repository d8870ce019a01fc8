// Package childenv is the environment that a detached process of the program
// starts with. It imports nothing of this module.
package childenv

import "strings"

// kept are the variables that a child needs. Everything else stays behind, above
// all the ARTIFACTS_S3_*, AWS_* and RCLONE_* ones (SPEC A31, A35).
var kept = map[string]bool{
	"PATH": true, "HOME": true, "USER": true, "LOGNAME": true, "LANG": true, "LC_ALL": true, "TZ": true, "TMPDIR": true,
	"XDG_CONFIG_HOME": true, "XDG_CACHE_HOME": true, "XDG_STATE_HOME": true, "XDG_DATA_HOME": true, "XDG_RUNTIME_DIR": true,
	"HTTP_PROXY": true, "HTTPS_PROXY": true, "NO_PROXY": true, "http_proxy": true, "https_proxy": true, "no_proxy": true,
	"SSL_CERT_FILE": true, "SSL_CERT_DIR": true, "GOCOVERDIR": true, "GORACE": true,
}

// Scrubbed returns the entries of environ that a child may have.
func Scrubbed(environ []string) []string {
	var out []string
	for _, e := range environ {
		name, _, _ := strings.Cut(e, "=")
		if kept[name] {
			out = append(out, e)
		}
	}
	return out
}
