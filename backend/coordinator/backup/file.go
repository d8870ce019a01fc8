package backup

import (
	"bytes"
	"errors"
	"io"

	"filippo.io/age"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// A file is a line that says what it is, a line with the SHA-256 of all that follows in hex,
// a line with the encryption, and the archive.
const magic = "artifacts-tui backup 1\n"

const (
	plain     = "plain\n"
	encrypted = "age\n"
)

// workFactor is age's own default: the logarithm of scrypt's N, about a second of work.
var workFactor = 18

// Seal wraps an archive as a file; with a passphrase it is encrypted by age's scrypt
// recipient (https://age-encryption.org/v1).
func Seal(archive []byte, passphrase string) ([]byte, error) {
	body := append([]byte(plain), archive...)
	if passphrase != "" {
		to, err := age.NewScryptRecipient(passphrase)
		if err != nil {
			return nil, err
		}
		to.SetWorkFactor(workFactor)
		out := bytes.NewBufferString(encrypted)
		w, err := age.Encrypt(out, to)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(archive); err != nil {
			return nil, err
		}
		if err := w.Close(); err != nil {
			return nil, err
		}
		body = out.Bytes()
	}
	return append([]byte(magic+sum(body)+"\n"), body...), nil
}

// Encrypted reports whether a file needs a passphrase. It fails where the file is none of
// this package's, or where any byte of it is not as it was written.
func Encrypted(file []byte) (bool, error) {
	body, err := check(file)
	return bytes.HasPrefix(body, []byte(encrypted)), err
}

// Open returns the archive of a file that Seal made. A wrong passphrase is fault.Auth.
func Open(file []byte, passphrase string) ([]byte, error) {
	body, err := check(file)
	if err != nil {
		return nil, err
	}
	if archive, ok := bytes.CutPrefix(body, []byte(plain)); ok {
		return archive, nil
	}
	body, ok := bytes.CutPrefix(body, []byte(encrypted))
	if !ok {
		return nil, damaged("it says nothing known about its encryption")
	}
	if passphrase == "" {
		return nil, fault.New(fault.Usage, "give --passphrase-file, or - to read it from standard input", "the backup is encrypted with a passphrase")
	}
	id, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, err
	}
	r, err := age.Decrypt(bytes.NewReader(body), id)
	var wrong *age.NoIdentityMatchError
	if errors.As(err, &wrong) {
		return nil, fault.New(fault.Auth, "give the one that it was made with", "the passphrase is not that of the backup")
	}
	if err != nil {
		return nil, damaged("it cannot be decrypted")
	}
	archive, err := io.ReadAll(r)
	if err != nil {
		return nil, damaged("it cannot be decrypted")
	}
	return archive, nil
}

// check verifies the file as a whole and returns what follows its checksum.
func check(file []byte) ([]byte, error) {
	rest, ok := bytes.CutPrefix(file, []byte(magic))
	if !ok {
		return nil, fault.New(fault.Failure, "give a file that `artifacts-tui coordinator backup` wrote", "it is not a backup of a coordinator")
	}
	want, body, ok := bytes.Cut(rest, []byte("\n"))
	if !ok || string(want) != sum(body) {
		return nil, damaged("its checksum is wrong")
	}
	return body, nil
}
