package keyring_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/keyring"
)

const issuedKey, issuedSecret = "ASIAISSUEDISSUED0001", "issued-secret-0123456789-abcdefg"

// document is what a command of AWS's credential_process prints.
func document(expiration string) string {
	return fmt.Sprintf(`{"Version":1,"AccessKeyId":%q,"SecretAccessKey":%q,"SessionToken":"issued-token-0123456789","Expiration":%q}`,
		issuedKey, issuedSecret, expiration)
}

// SPEC A41: the credential_process protocol, and everything a command may do wrong: one line
// that holds nothing of what it printed.
func TestProcess(t *testing.T) {
	later := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	dir := t.TempDir()
	say := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return "cat " + path
	}
	good := say("good", document(later.Format(time.RFC3339)))
	tests := []struct{ name, command, err string }{
		{"a pair that ends", good, ""},
		{"a pair that ended", say("ended", document("2001-01-01T00:00:00Z")), "the pair it gave ended at"},
		{"an Expiration that is none", say("when", document("soon")), "an Expiration that is not RFC 3339"},
		{"garbage", say("garbage", "secret: "+issuedSecret), "printed no JSON document"},
		{"another version", say("version", strings.Replace(document(""), `"Version":1`, `"Version":2`, 1)), "Version is not 1"},
		{"half a pair", say("half", `{"Version":1,"SecretAccessKey":"`+issuedSecret+`"}`), "no access key or no secret"},
		{"a line break in the secret", say("break", `{"Version":1,"AccessKeyId":"AKIAX","SecretAccessKey":"`+issuedSecret+`\n"}`), "holds a line break"},
		{"it fails", good + "; echo " + issuedSecret + " >&2; exit 3", "exit status 3"},
		{"it is not there", filepath.Join(dir, "nothing"), "exit status 127"},
		{"it prints without end", "yes " + issuedSecret, "printed more than a pair"},
		{"it is killed", "kill -9 $$", "signal: killed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := keyring.Provider{Profile: "vault", Type: keyring.Process, Command: tt.command}.Retrieve(t.Context())
			if tt.err == "" {
				if err != nil || c.AccessKeyID != issuedKey || c.SecretAccessKey.Reveal() != issuedSecret || !c.Expires.Equal(later) {
					t.Errorf("%+v, %v", c, err)
				}
				return
			}
			if !fault.Is(err, fault.Auth) || !strings.Contains(err.Error(), tt.err) || fault.As(err).Hint == "" {
				t.Errorf("error %v, want %s", err, tt.err)
			}
			if err != nil && (strings.Contains(err.Error(), issuedSecret) || strings.Contains(fault.As(err).Hint, issuedSecret)) {
				t.Errorf("the secret shows: %v", err)
			}
		})
	}
}

// SPEC A41: a command that hangs, with children of its own, ends with who asked.
func TestProcessHangs(t *testing.T) {
	pid := filepath.Join(t.TempDir(), "pid")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := keyring.Provider{Profile: "vault", Type: keyring.Process, Command: "sleep 1000 & echo $! > " + pid + ".new; mv " + pid + ".new " + pid + "; wait"}.Retrieve(ctx)
		done <- err
	}()
	child := 0
	for child == 0 {
		if text, err := os.ReadFile(pid); err == nil {
			_, _ = fmt.Sscan(string(text), &child)
		}
	}
	cancel()
	if err := <-done; err == nil || !fault.Is(err, fault.Interrupted) {
		t.Errorf("ended with %v", err)
	}
	for {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", child))
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
	}
}

// SPEC A35: the pair of the environment is not handed down.
func TestProcessEnvironment(t *testing.T) {
	t.Setenv(keyring.EnvSecretAccessKey, envSecret)
	t.Setenv("VAULT_ADDR", issuedKey)
	command := `printf '{"Version":1,"AccessKeyId":"%s","SecretAccessKey":"x%s"}' "$VAULT_ADDR" "$` + keyring.EnvSecretAccessKey + `"`
	c, err := keyring.Provider{Profile: "p", Type: keyring.Process, Command: command}.Retrieve(t.Context())
	if err != nil || c.AccessKeyID != issuedKey || c.SecretAccessKey.Reveal() != "x" || !c.Expires.IsZero() {
		t.Errorf("%s, %v", c.AccessKeyID, err)
	}
}

// SPEC A41: profiles of ~/.aws, by the SDK; one that says nothing of credentials is none.
func TestAWSProfile(t *testing.T) {
	for _, v := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		t.Setenv(v, "must-not-be-used")
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_REGION", "")
	dir := t.TempDir()
	config, credentials := filepath.Join(dir, "config"), filepath.Join(dir, "credentials")
	write := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(credentials, "[keys]\naws_access_key_id = "+issuedKey+"\naws_secret_access_key = "+issuedSecret+"\n")
	write(filepath.Join(dir, "doc"), document(time.Now().Add(time.Hour).UTC().Format(time.RFC3339)))
	write(config, "[profile keys]\nregion = eu-west-3\n[profile process]\ncredential_process = cat "+filepath.Join(dir, "doc")+
		"\n[profile bad]\ncredential_process = echo "+issuedSecret+"\n[profile region]\nregion = eu-west-1\n[profile role]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = nobody\n")
	ask := func(profile string) (keyring.Credentials, error) {
		return keyring.Provider{Profile: "p", Type: keyring.AWS, AWSProfile: profile, ConfigFile: config, CredentialsFile: credentials}.Retrieve(t.Context())
	}
	if c, err := ask("keys"); err != nil || c.AccessKeyID != issuedKey || c.SecretAccessKey.Reveal() != issuedSecret || c.Region != "eu-west-3" || !c.Expires.IsZero() {
		t.Errorf("keys: %+v, %v", c, err)
	}
	if c, err := ask("process"); err != nil || c.AccessKeyID != issuedKey || c.SessionToken.IsZero() || c.Expires.IsZero() {
		t.Errorf("process: %+v, %v", c, err)
	}
	for profile, want := range map[string]string{
		"nobody": "there is no AWS profile nobody", "region": "says nothing of credentials", "bad": "its credential_process failed",
		"role": "there is no AWS profile nobody",
	} {
		_, err := ask(profile)
		if !fault.Is(err, fault.Auth) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), issuedSecret) {
			t.Errorf("%s: %v, want %s", profile, err, want)
		}
	}
}
