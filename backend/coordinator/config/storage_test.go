package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/config"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

const secret = "hunter2-hunter2-hunter2"

// SPEC B31: engines are named by URLs, their secrets by files and variables.
func TestStorage(t *testing.T) {
	e, message, err := load(t, `
s3: {data_dir: /d}
storage:
  index: postgres://artifacts@db1.mesh:5432,db2.mesh:5433/artifacts?sslmode=verify-full
  index_password_file: db.password
  blobs: s3://bucket/some/prefix?endpoint=https://s3.mesh:9000&region=eu-1
  blobs_access_key_id: ${BLOBS_KEY}
  blobs_secret_access_key: ${BLOBS_SECRET}
  blobs_ca_bundle: ca.pem
`)
	if err != nil {
		t.Fatal(message)
	}
	dir := filepath.Dir(e.File)
	if err := os.WriteFile(filepath.Join(dir, "db.password"), []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Config.Engines(); !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), "storage.blobs_access_key_id: the variable BLOBS_KEY is not set") {
		t.Error(err)
	}
	if err := e.CheckSecrets(); err == nil || !strings.HasPrefix(err.Error(), e.File+":7: storage.blobs_access_key_id: ") {
		t.Error(err)
	}
	t.Setenv("BLOBS_KEY", "key")
	t.Setenv("BLOBS_SECRET", secret)
	o, err := e.Config.Engines()
	if err != nil || o.IndexPassword != secret || o.Keys.AccessKeyID != "key" || o.Keys.SecretAccessKey != secret || o.CABundle != filepath.Join(dir, "ca.pem") {
		t.Errorf("%+v, %v", o, err)
	}
	if !e.Config.Shared() || e.Config.Embedded() {
		t.Error("coordinators that share a database are not alone")
	}
	if strings.Contains(e.YAML(), secret) || strings.Contains(o.Where(), secret) {
		t.Error("a secret shows")
	}
	if again, message, err := load(t, e.YAML()); err != nil || len(again.Config.Diff(e.Config)) > 0 {
		t.Error("what is shown is not what was read:", message)
	}

	e, message, err = load(t, "s3: {data_dir: /d}\nstorage: {index: 'postgres:///artifacts?host=/run/postgresql', blobs: shared/blobs}\n")
	if err != nil {
		t.Fatal(message)
	}
	if want := filepath.Join(filepath.Dir(e.File), "shared/blobs"); string(e.Config.Storage.Blobs) != want || e.Config.Disk() != want {
		t.Error(e.Config.Storage.Blobs, e.Config.Disk())
	}

	keys := filepath.Join(dir, "keys")
	e, message, err = load(t, "s3: {data_dir: /d}\nstorage: {blobs: 's3://bucket', blobs_credentials_file: "+keys+"}\n")
	if err != nil {
		t.Fatal(message)
	}
	for text, want := range map[string]string{
		"ACCESS_KEY_ID=key\nSECRET_ACCESS_KEY=" + secret + "\nSESSION_TOKEN=t\n":               "",
		"# mine\n[default]\naws_access_key_id = key\naws_secret_access_key = " + secret + "\n": "",
		"[a]\naws_access_key_id = key\naws_secret_access_key = " + secret + "\n[b]\n":          "more than one profile",
		"SECRET_ACCESS_KEY=" + secret:                                           "lacks the access key",
		"ACCESS_KEY_ID=key\nSECRET_ACCESS_KEY=" + secret + "\n" + secret + "\n": "none of credentials",
		"": "lacks the access key",
	} {
		if err := os.WriteFile(keys, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		o, err := e.Config.Engines()
		switch {
		case want == "" && (err != nil || o.Keys.AccessKeyID != "key" || o.Keys.SecretAccessKey != secret):
			t.Errorf("%q: %v", text, err)
		case want != "" && (!fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), secret)):
			t.Errorf("%q: %v", text, err)
		}
	}
}

// A secret in the file is refused with its line, and what to do, and is not repeated.
func TestSecretsAreNotTaken(t *testing.T) {
	const (
		s3   = "s3: {data_dir: /d}\nstorage:\n"
		db   = "  index: postgres://u@h/d\n  blobs: s3://b\n"
		here = "FILE:3: "
	)
	for text, want := range map[string]string{
		s3 + "  index: postgres://u:" + secret + "@h/d\n":                          here + "storage.index: the URL holds a password",
		s3 + "  index: postgres://u:" + secret + "/x@h/d\n":                        here + "storage.index: the URL has an @ behind its host: a password with a / in it, perhaps",
		s3 + "  index: postgres://u@h/d?password=" + secret + "\n":                 here + "storage.index: the URL holds a password",
		s3 + "  index: postgres://u@h/d?sslpassword=" + secret + "\n":              here + "storage.index: the URL holds a password",
		s3 + "  index: 'host=h password=" + secret + "'\n":                         here + "storage.index: not a postgres:// URL",
		s3 + "  index: mysql://u:" + secret + "@h/d\n":                             here + "storage.index: not a postgres:// URL",
		s3 + "  index: postgres://u@h/d\n":                                         here + "storage.index is a database that coordinators share, but no storage.blobs is given",
		s3 + "  blobs: s3://KEY:" + secret + "@bucket/p\n":                         here + "storage.blobs: the URL holds credentials",
		s3 + "  blobs: 's3://bucket?endpoint=https://K:" + secret + "@h'\n":        here + "storage.blobs: the endpoint holds credentials",
		s3 + "  blobs: 's3://bucket?secret=" + secret + "'\n":                      here + "storage.blobs: the URL has a parameter that is neither endpoint nor region",
		s3 + "  blobs: s3:///prefix\n":                                             here + "storage.blobs: the URL names no bucket",
		s3 + "  blobs: https://h/bucket\n":                                         here + "storage.blobs: not an s3:// URL",
		s3 + "  blobs: 's3://b?endpoint=ftp://h'\n":                                here + "storage.blobs: the endpoint is not an http or https URL",
		s3 + db + "  index_password: " + secret + "\n":                             "FILE:5: storage.index_password: a secret has no place in this file",
		s3 + db + "  index_password: $PASSWORD\n":                                  "FILE:5: storage.index_password: a secret has no place in this file",
		s3 + db + "  blobs_secret_access_key: " + secret + "\n":                    "FILE:5: storage.blobs_secret_access_key: a secret has no place in this file",
		s3 + db + "  blobs_secret_access_key: ${S}\n":                              "FILE:5: storage.blobs_secret_access_key is given, but its access key is not",
		s3 + db + "  blobs_access_key_id: ${S}\n":                                  "FILE:5: storage.blobs_access_key_id is given, but its secret is not",
		s3 + db + "  index_password: ${S}\n  index_password_file: f\n":             "FILE:6: storage.index_password and storage.index_password_file are both given",
		s3 + db + "  blobs_credentials_file: f\n  blobs_secret_access_key: ${S}\n": "FILE:5: storage.blobs_credentials_file is given, and keys as well",
		s3 + "  blobs_credentials_file: f\n":                                       here + "storage.blobs_credentials_file is given, but no storage.blobs in a bucket",
		s3 + "  blobs: /shared\n  blobs_credentials_file: f\n":                     "FILE:4: storage.blobs_credentials_file is given, but no storage.blobs in a bucket",
		s3 + "  index_password_file: f\n":                                          here + "storage.index_password_file is given, but no storage.index",
		s3 + "  password: " + secret + "\n":                                        here + "unknown key storage.password",
	} {
		_, message, err := load(t, text)
		if !fault.Is(err, fault.Usage) || message != want {
			t.Errorf("%q:\n got %v\nwant %s", text, err, want)
		}
		if err != nil && (fault.As(err).Hint == "" || strings.Contains(err.Error()+fault.As(err).Hint, secret)) {
			t.Errorf("%q: no hint, or the secret: %v", text, err)
		}
	}
	if strings.Contains(config.Example, "hunter") {
		t.Error("the example has a secret")
	}
}
