package backup_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/backup"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

func contents() backup.Contents {
	return backup.Contents{
		Manifest: backup.Manifest{
			Created: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC), Coordinator: "c0ffee", Address: "100.64.0.1:8080", Version: "test",
			Buckets: map[string]workspace.Usage{"logs": {Bytes: 5, Objects: 1}},
		},
		Documents: map[string][]byte{"mesh.json": []byte(`{"id":"c0ffee"}`), "peers/a.json": []byte("secret-token-of-a-peer")},
	}
}

func fine([]byte) error { return nil }

func seal(t *testing.T, passphrase string) []byte {
	t.Helper()
	archive, err := backup.Pack(contents())
	if err != nil {
		t.Fatal(err)
	}
	file, err := backup.Seal(archive, passphrase)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func open(file []byte, passphrase string) (backup.Contents, error) {
	archive, err := backup.Open(file, passphrase)
	if err != nil {
		return backup.Contents{}, err
	}
	return backup.Unpack(archive, fine)
}

// SPEC B18: what goes in comes out, with and without a passphrase; with one, nothing of it shows.
func TestRoundTrip(t *testing.T) {
	for _, passphrase := range []string{"", "correct horse battery staple"} {
		file := seal(t, passphrase)
		got, err := open(file, passphrase)
		if err != nil || !maps.EqualFunc(got.Documents, contents().Documents, bytes.Equal) || got.Manifest.Coordinator != "c0ffee" || got.Manifest.Buckets["logs"].Bytes != 5 {
			t.Errorf("%+v, %v", got, err)
		}
		if is, err := backup.Encrypted(file); err != nil || is != (passphrase != "") {
			t.Errorf("encrypted: %v, %v", is, err)
		}
	}
	file := seal(t, "correct horse battery staple")
	if _, err := open(file, "another"); !fault.Is(err, fault.Auth) {
		t.Errorf("a wrong passphrase: %v", err)
	}
	if _, err := open(file, ""); !fault.Is(err, fault.Usage) {
		t.Errorf("no passphrase: %v", err)
	}
}

// SPEC B18, E10: whichever byte is another one, or missing, the file is refused.
func TestEveryByteCounts(t *testing.T) {
	file := seal(t, "")
	for i := range file {
		bad := bytes.Clone(file)
		bad[i] ^= 1
		if _, err := open(bad, ""); !fault.Is(err, fault.Failure) {
			t.Fatalf("with byte %d of %d changed: %v", i, len(file), err)
		}
		if _, err := open(file[:i], ""); err == nil {
			t.Fatalf("cut to %d of %d bytes it is taken", i, len(file))
		}
	}
	if _, err := open(append(bytes.Clone(file), 0), ""); err == nil {
		t.Error("a byte more is taken")
	}
}

// A document that is no document is found, whatever its checksum says.
func TestDocumentsAreValid(t *testing.T) {
	archive, err := backup.Pack(contents())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := backup.Unpack(archive, func([]byte) error { return errors.New("no") }); !fault.Is(err, fault.Failure) {
		t.Error(err)
	}
}

// SPEC B18: an archive that is not what its manifest says is refused, although nothing of the
// file is another byte; so is one of a format that this program does not know, by the name of
// the program that does.
func TestManifestCounts(t *testing.T) {
	manifest := func(format string, documents string) string {
		return `{"format":` + format + `,"version":"9.9","documents":{` + documents + `}}`
	}
	const sumOfA = `"a":"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"`
	for name, c := range map[string]struct {
		files []string // name and content by turns
		say   string
	}{
		"whole":            {[]string{"manifest.json", manifest("1", sumOfA), "_tunnelmesh/a", "a"}, ""},
		"no manifest":      {[]string{"_tunnelmesh/a", "a"}, "no manifest"},
		"broken manifest":  {[]string{"manifest.json", "{"}, "manifest cannot be read"},
		"a document more":  {[]string{"manifest.json", manifest("1", sumOfA), "_tunnelmesh/a", "a", "_tunnelmesh/b", "b"}, "holds 2 documents"},
		"a document less":  {[]string{"manifest.json", manifest("1", sumOfA)}, "holds 0 documents"},
		"another document": {[]string{"manifest.json", manifest("1", sumOfA), "_tunnelmesh/b", "a"}, "document a is missing"},
		"another content":  {[]string{"manifest.json", manifest("1", sumOfA), "_tunnelmesh/a", "b"}, "another checksum"},
		"a later format":   {[]string{"manifest.json", manifest("2", sumOfA), "_tunnelmesh/a", "a"}, "format 2"},
	} {
		var out bytes.Buffer
		z := gzip.NewWriter(&out)
		w := tar.NewWriter(z)
		for i := 0; i < len(c.files); i += 2 {
			err := w.WriteHeader(&tar.Header{Name: c.files[i], Size: int64(len(c.files[i+1])), Mode: 0o600})
			if err == nil {
				_, err = io.WriteString(w, c.files[i+1])
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(w.Close(), z.Close()); err != nil {
			t.Fatal(err)
		}
		_, err := backup.Unpack(out.Bytes(), fine)
		switch {
		case c.say == "" && err != nil, c.say != "" && (!fault.Is(err, fault.Failure) || !strings.Contains(err.Error(), c.say)):
			t.Errorf("%s: %v", name, err)
		case name == "a later format" && !strings.Contains(fault.As(err).Hint, "9.9"):
			t.Errorf("the hint does not name the program: %q", fault.As(err).Hint)
		}
	}
}
