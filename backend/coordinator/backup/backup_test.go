package backup_test

import (
	"bytes"
	"errors"
	"maps"
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
