package childenv_test

import (
	"slices"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/internal/childenv"
)

// SPEC A35: no credential of the parent reaches a child's environ.
func TestScrubbed(t *testing.T) {
	got := childenv.Scrubbed([]string{
		"HOME=/h", "PATH=/bin", "XDG_STATE_HOME=/s", "https_proxy=p", "HTTP_PROXY=http://joe:hush@p:1", "HTTPS_PROXY=joe:hush@p", "ALL_PROXY=http://joe:hu%sh@p", "NO_PROXY=.example", "AWS_CA_BUNDLE=/ca", "ARTIFACTS_S3_SECRET_ACCESS_KEY=x", "AWS_SECRET_ACCESS_KEY=x",
		"AWS_SESSION_TOKEN=x", "RCLONE_S3_SECRET_ACCESS_KEY=x", "GITHUB_TOKEN=x", "HOMELESS=x", "odd",
	})
	if want := []string{"HOME=/h", "PATH=/bin", "XDG_STATE_HOME=/s", "https_proxy=p", "NO_PROXY=.example", "AWS_CA_BUNDLE=/ca"}; !slices.Equal(got, want) {
		t.Errorf("kept %q, want %q", got, want)
	}
}
