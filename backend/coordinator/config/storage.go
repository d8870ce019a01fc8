package config

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/backend/store/engines"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// Database is a URL of a database, without a password.
type Database string

const (
	databaseForm = "write it as postgres://USER@HOST:5432/DATABASE?sslmode=verify-full"
	noPassword   = "take it out, and name a file with storage.index_password_file, or a variable with storage.index_password"
)

// UnmarshalText refuses what is no URL of PostgreSQL, and one with a password. Its errors do not
// repeat the text.
func (d *Database) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = ""
		return nil
	}
	rest, ok := strings.CutPrefix(string(text), "postgres://")
	if !ok {
		rest, ok = strings.CutPrefix(string(text), "postgresql://")
	}
	if !ok {
		return fault.New(fault.Usage, databaseForm, "not a postgres:// URL")
	}
	// Not net/url: PostgreSQL's form has several hosts, each with a port.
	before, query, _ := strings.Cut(rest, "?")
	authority, _, _ := strings.Cut(before, "/")
	if at := strings.LastIndex(before, "@"); at > len(authority) {
		return fault.New(fault.Usage, databaseForm, "the URL has an @ behind its host: a password with a / in it, perhaps")
	}
	if at := strings.LastIndex(authority, "@"); at >= 0 && strings.Contains(authority[:at], ":") {
		return fault.New(fault.Usage, noPassword, "the URL holds a password")
	}
	values, err := url.ParseQuery(query)
	if err != nil || strings.ContainsAny(string(text), " #") {
		return fault.New(fault.Usage, databaseForm, "not a URL")
	}
	for name := range values {
		if strings.Contains(strings.ToLower(name), "password") {
			return fault.New(fault.Usage, noPassword, "the URL holds a password")
		}
	}
	*d = Database(text)
	return nil
}

// Place is where blobs are: an s3:// URL without credentials, or a folder.
type Place string

// UnmarshalText refuses another URL, and one with credentials. Its errors do not repeat the text.
func (p *Place) UnmarshalText(text []byte) error {
	if strings.Contains(string(text), "://") {
		if _, err := engines.ParseS3(string(text)); err != nil {
			return err
		}
	}
	*p = Place(text)
	return nil
}

func (p Place) folder() bool { return p != "" && !strings.Contains(string(p), "://") }

// Variable is the name of a variable of the environment that holds a secret, as ${NAME}.
type Variable string

var variable = regexp.MustCompile(`^\$\{[A-Za-z_][A-Za-z0-9_]*\}$`)

// UnmarshalText refuses everything else: it may be the secret itself, and is not repeated.
func (v *Variable) UnmarshalText(text []byte) error {
	if len(text) > 0 && !variable.Match(text) {
		return fault.New(fault.Usage, "write it as ${NAME}, a variable of the coordinator's environment, or use the key that names a file", "a secret has no place in this file")
	}
	*v = Variable(text)
	return nil
}

// value is what the environment has.
func (v Variable) value() (string, error) {
	if v == "" {
		return "", nil
	}
	name := strings.TrimSuffix(strings.TrimPrefix(string(v), "${"), "}")
	if text := os.Getenv(name); text != "" {
		return text, nil
	}
	return "", fault.New(fault.Usage, "set it for the coordinator", "the variable %s is not set", name)
}

// checkStorage refuses what each key alone would allow.
func (e Effective) checkStorage() error {
	s := e.Config.Storage
	bucket := s.Blobs != "" && !s.Blobs.folder()
	for _, c := range []struct {
		key     string
		set, ok bool
		of      string
	}{
		{"storage.index_password", s.IndexPassword != "", s.Index != "", "storage.index"},
		{"storage.index_password_file", s.IndexPasswordFile != "", s.Index != "", "storage.index"},
		{"storage.blobs_access_key_id", s.BlobsAccessKey != "", bucket, "storage.blobs in a bucket"},
		{"storage.blobs_secret_access_key", s.BlobsSecret != "", bucket, "storage.blobs in a bucket"},
		{"storage.blobs_credentials_file", s.BlobsCredentials != "", bucket, "storage.blobs in a bucket"},
		{"storage.blobs_ca_bundle", s.BlobsCABundle != "", bucket, "storage.blobs in a bucket"},
	} {
		if c.set && !c.ok {
			return e.at(c.key, "give that, or take this line out", "%s is given, but no %s", c.key, c.of)
		}
	}
	switch {
	case s.IndexPassword != "" && s.IndexPasswordFile != "":
		return e.at("storage.index_password_file", "keep one of them", "storage.index_password and storage.index_password_file are both given")
	case s.BlobsCredentials != "" && (s.BlobsAccessKey != "" || s.BlobsSecret != ""):
		return e.at("storage.blobs_credentials_file", "keep the file or the variables", "storage.blobs_credentials_file is given, and keys as well")
	case s.BlobsAccessKey != "" && s.BlobsSecret == "":
		return e.at("storage.blobs_access_key_id", "add storage.blobs_secret_access_key", "storage.blobs_access_key_id is given, but its secret is not")
	case s.BlobsSecret != "" && s.BlobsAccessKey == "":
		return e.at("storage.blobs_secret_access_key", "add storage.blobs_access_key_id", "storage.blobs_secret_access_key is given, but its access key is not")
	case s.Index != "" && s.Blobs == "":
		return e.at("storage.index", "add `blobs: s3://BUCKET/PREFIX?endpoint=URL`, or a folder on a file system that all coordinators share",
			"storage.index is a database that coordinators share, but no storage.blobs is given")
	}
	return nil
}

// Engines reads the secrets that c names and says how its store is opened. Its errors hold none of them.
func (c Config) Engines() (engines.Options, error) {
	o, key, err := c.engines()
	if err != nil {
		f := fault.As(err)
		err = fault.New(f.Kind, f.Hint, "%s: %s", key, f)
	}
	return o, err
}

// CheckSecrets is the error of Engines, with the line of the key that it is about.
func (e Effective) CheckSecrets() error {
	_, key, err := e.Config.engines()
	return e.Of(key, err)
}

// engines names the key that an error is about.
func (c Config) engines() (o engines.Options, key string, err error) {
	s := c.Storage
	o = engines.Options{
		DataDir: c.S3.DataDir, Index: string(s.Index), Blobs: string(s.Blobs), CABundle: s.BlobsCABundle,
		MaxSize: int64(c.S3.MaxSize), Reserve: c.reserve(),
	}
	if o.IndexPassword, err = s.IndexPassword.value(); err != nil {
		return o, "storage.index_password", err
	}
	if s.IndexPasswordFile != "" {
		if o.IndexPassword, err = readPassword(s.IndexPasswordFile); err != nil {
			return o, "storage.index_password_file", err
		}
	}
	if o.Keys.AccessKeyID, err = s.BlobsAccessKey.value(); err != nil {
		return o, "storage.blobs_access_key_id", err
	}
	if o.Keys.SecretAccessKey, err = s.BlobsSecret.value(); err != nil {
		return o, "storage.blobs_secret_access_key", err
	}
	if s.BlobsCredentials != "" {
		if o.Keys, err = engines.ReadKeys(s.BlobsCredentials); err != nil {
			return o, "storage.blobs_credentials_file", err
		}
	}
	return o, "", nil
}

func readPassword(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fault.Wrap(fault.Usage, err, "make it readable for the coordinator", "cannot read the password")
	}
	password := strings.TrimRight(string(text), "\r\n")
	if password == "" || strings.ContainsAny(password, "\r\n\x00") {
		return "", fault.New(fault.Usage, "write the password into it, in one line", "%s does not hold one line", path)
	}
	return password, nil
}

// Disk is a folder on the disk that the bytes fill; data_dir where they are in a bucket.
func (c Config) Disk() string {
	if c.Storage.Blobs.folder() {
		return string(c.Storage.Blobs)
	}
	return c.S3.DataDir
}

// Where names the engines for a person, without secrets.
func (c Config) Where() string {
	return engines.Options{DataDir: c.S3.DataDir, Index: string(c.Storage.Index), Blobs: string(c.Storage.Blobs)}.Where()
}

// Embedded reports whether all of the store is in data_dir.
func (c Config) Embedded() bool { return c.Storage.Index == "" && c.Storage.Blobs == "" }

// Shared reports whether other coordinators may serve the same store.
func (c Config) Shared() bool { return c.Storage.Index != "" }

// reserve is as engines.Options has it, where 0 is the default, which is less on a small
// volume, and none is a negative number.
func (c Config) reserve() int64 {
	switch c.S3.Reserve {
	case 0:
		return -1
	case Default().S3.Reserve:
		return 0
	}
	return int64(c.S3.Reserve)
}

// paths are the values that may be relative to the file's folder.
func (c *Config) paths() []*string {
	list := []*string{&c.S3.DataDir, &c.TLS.Cert, &c.TLS.Key, &c.Storage.IndexPasswordFile, &c.Storage.BlobsCredentials, &c.Storage.BlobsCABundle}
	if c.Storage.Blobs.folder() {
		list = append(list, (*string)(&c.Storage.Blobs))
	}
	return list
}

func absolute(base string, paths []*string) {
	for _, p := range paths {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(base, *p)
		}
	}
}
