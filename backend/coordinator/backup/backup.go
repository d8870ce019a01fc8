package backup

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// Manifest says what a backup holds. Nothing in it is secret.
type Manifest struct {
	Format      int       `json:"format"`
	Created     time.Time `json:"created"`
	Coordinator string    `json:"coordinator"` // its id
	Address     string    `json:"address"`     // where it listened
	Version     string    `json:"version"`     // of the program
	// Documents are the documents of the system bucket by key, with the SHA-256 of each in hex.
	Documents map[string]string `json:"documents"`
	// Damaged are documents that could not be read and are not in it, in order.
	Damaged []string `json:"damaged,omitempty"`
	// Older are documents that were damaged and are in it as they were before their last change, in order.
	Older []string `json:"older,omitempty"`
	// Buckets by name and Workspaces by id are what they held: a restore brings back what the
	// coordinator knew, and says which of the objects are not there.
	Buckets    map[string]workspace.Usage `json:"buckets"`
	Workspaces map[string]workspace.Usage `json:"workspaces"`
}

// Contents are a manifest and the documents themselves.
type Contents struct {
	Manifest  Manifest
	Documents map[string][]byte
}

const (
	format       = 1
	manifestName = "manifest.json"
	documentsDir = "_tunnelmesh/"
	// maxContents bounds what an archive unpacks to, in bytes: it is read into memory.
	maxContents = 1 << 30
)

// Pack makes the archive. It fills in Format and the checksums of the documents.
func Pack(c Contents) ([]byte, error) {
	c.Manifest.Format = format
	c.Manifest.Documents = map[string]string{}
	for key, raw := range c.Documents {
		c.Manifest.Documents[key] = sum(raw)
	}
	manifest, err := json.MarshalIndent(c.Manifest, "", "  ")
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	t := tar.NewWriter(z)
	add := func(name string, body []byte) error {
		err := t.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(body)), ModTime: c.Manifest.Created, Format: tar.FormatPAX})
		if err == nil {
			_, err = t.Write(body)
		}
		return err
	}
	if err := add(manifestName, append(manifest, '\n')); err != nil {
		return nil, err
	}
	for _, key := range slices.Sorted(maps.Keys(c.Documents)) {
		if err := add(documentsDir+key, c.Documents[key]); err != nil {
			return nil, err
		}
	}
	err = errors.Join(t.Close(), z.Close())
	return out.Bytes(), err
}

// Unpack reads an archive that Pack made, and fails where anything in it is not as the
// manifest says. valid is asked of each document.
func Unpack(archive []byte, valid func(raw []byte) error) (Contents, error) {
	c := Contents{Documents: map[string][]byte{}}
	z, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return c, damaged("its archive cannot be read")
	}
	t := tar.NewReader(io.LimitReader(z, maxContents))
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return c, damaged("its archive cannot be read")
		}
		body, err := io.ReadAll(t)
		if err != nil {
			return c, damaged("its archive cannot be read")
		}
		if key, ok := strings.CutPrefix(h.Name, documentsDir); ok {
			c.Documents[key] = body
		} else if h.Name == manifestName && json.Unmarshal(body, &c.Manifest) != nil {
			return c, damaged("its manifest cannot be read")
		}
	}
	switch {
	case c.Manifest.Format == 0:
		return c, damaged("it has no manifest")
	case c.Manifest.Format != format:
		return c, fault.New(fault.Failure, "use the version of the program that made it ("+c.Manifest.Version+")",
			"the backup has format %d, and this program knows %d", c.Manifest.Format, format)
	case len(c.Manifest.Documents) != len(c.Documents):
		return c, damaged(fmt.Sprintf("it holds %d documents, and its manifest lists %d", len(c.Documents), len(c.Manifest.Documents)))
	}
	for key, want := range c.Manifest.Documents {
		raw, ok := c.Documents[key]
		switch {
		case !ok:
			return c, damaged("document " + key + " is missing")
		case sum(raw) != want:
			return c, damaged("document " + key + " has another checksum")
		}
		if err := valid(raw); err != nil {
			return c, damaged("document " + key + ": " + err.Error())
		}
	}
	return c, nil
}

func sum(raw []byte) string {
	h := sha256.Sum256(raw)
	return hex.EncodeToString(h[:])
}

func damaged(why string) error {
	return fault.New(fault.Failure, "use another backup", "the backup is damaged: %s", why)
}
