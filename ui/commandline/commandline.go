// Package commandline spells what the TUI does as the command that does the
// same (SPEC D8). Secrets never take part: the command finds them in the
// environment or the cache. It imports the program's types and nothing of the UI.
package commandline

import (
	"strings"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
)

var program = "artifacts"

// Use has lines begin with name, the word that the user's shell finds the program by. It is
// called before the first line is made.
func Use(name string) { program = quote(name, "") }

// Line joins words to a command line that a POSIX shell reads back as they are.
// A word under home is written with "~".
func Line(home string, words ...string) string {
	quoted := []string{program}
	for _, w := range words {
		quoted = append(quoted, quote(w, home))
	}
	return strings.Join(quoted, " ")
}

// Create is the command for a CreateRequest, without its credentials.
func Create(req backend.CreateRequest) string {
	words := []string{"workspace", "create", req.Name}
	if req.Backend == workspace.BYO {
		words = append(words, "--backend", "byo", "--bucket", req.Bucket, "--endpoint", req.Endpoint)
		if req.Region != "" {
			words = append(words, "--region", req.Region)
		}
	}
	if req.Backend == workspace.Mesh {
		words = append(words, "--backend", "mesh", "--bucket", req.Bucket)
	}
	if req.Prefix != "" {
		words = append(words, "--prefix", req.Prefix)
	}
	return Line("", words...)
}

// Mount is the command that mounts name at path.
func Mount(name, path, home string) string { return Line(home, "mount", name, path) }

// Unmount is the command that drains and unmounts path.
func Unmount(path, home string) string { return Line(home, "unmount", path) }

// Delete is the command that deletes name without asking.
func Delete(name string) string { return Line("", "workspace", "delete", name, "--yes") }

// profiled appends --profile where one is named.
func profiled(profile string, words ...string) string {
	if profile != "" {
		words = append(words, "--profile", profile)
	}
	return Line("", words...)
}

// Verify is the command that tries credentials.
func Verify(profile string) string { return profiled(profile, "storage", "verify") }

// Forget is the command that forgets what is kept.
func Forget(profile string) string { return profiled(profile, "storage", "clear") }

// Rotate is the command that rotates a pair, which is typed or printed by command; mounts is
// keep, refresh or remount, or "" where that is not chosen yet.
func Rotate(profile, key, command, mounts string) string {
	words := []string{"storage", "rotate"}
	switch {
	case command != "":
		words = append(words, "--from-process", command)
	case key != "":
		words = append(words, "--access-key-id", key, "--secret-access-key", "-")
	default:
		words = append(words, "--access-key-id", "ID", "--secret-access-key", "-")
	}
	if mounts != "" {
		words = append(words, "--mounts", mounts)
	}
	return profiled(profile, words...)
}

// RefreshCredentials is the command that gives a mount the credentials of now.
func RefreshCredentials(path, home string) string {
	return Line(home, "mount", "refresh-credentials", path)
}

// Remount are the commands that drain the mount at path and mount name there again.
func Remount(name, path, home string) string {
	return Unmount(path, home) + " && " + Mount(name, path, home)
}

// Set is the command that asks for credentials and keeps them.
func Set(profile string) string { return profiled(profile, "storage", "set") }

// EndRotation is the command that forgets the former pair, or goes back to it.
func EndRotation(profile string, undo bool) string {
	how := "--finish"
	if undo {
		how = "--undo"
	}
	return profiled(profile, "storage", "rotate", how)
}

const safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,"

func quote(word, home string) string {
	if word == "" {
		return "''"
	}
	prefix := ""
	if home != "" && home != "/" {
		if rest, ok := strings.CutPrefix(word, strings.TrimSuffix(home, "/")+"/"); ok {
			prefix, word = "~/", rest
		}
	}
	if strings.Trim(word, safe) == "" {
		return prefix + word
	}
	return prefix + "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
