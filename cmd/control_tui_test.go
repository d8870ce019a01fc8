//go:build linux

package cmd_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/keyring"
	"github.com/artifacts-tui/artifacts-tui/ui/control"
)

// answers decodes what a command prints as JSON.
func (term *terminal) answers(into any, args ...string) {
	term.t.Helper()
	out, err := term.command(append(args, "--format", "json")...)
	if err != nil {
		term.t.Fatalf("%q: %v", args, err)
	}
	if err := json.Unmarshal(out, into); err != nil {
		term.t.Fatalf("%q: %v: %s", args, err, out)
	}
}

// section goes to a section of the coordinator's page. On a narrow screen its line names it alone, on
// others its keys tell which it is.
func (term *terminal) section(name string) {
	term.t.Helper()
	where := func(screen string) string {
		lines := strings.Split(strings.TrimRight(screen, "\n"), "\n")
		if strings.Contains(lines[2], "of 6") {
			return lines[2]
		}
		return lines[len(lines)-1]
	}
	mark := map[string]string{"Peers": "n add", "Buckets": "Q quota", "Deleted": "r restore"}[name]
	for range 6 {
		at := where(term.text())
		if strings.Contains(at, mark) || strings.Contains(at, name) {
			return
		}
		term.press("l")
		term.until("another section", func(screen string) bool { return where(screen) != at })
	}
	term.t.Fatalf("no section %s:\n%s", name, term.text())
}

var tokenText = regexp.MustCompile(`mesh_[A-Za-z0-9_-]{20,}`)

// token is the one on the screen, which may be cut into lines.
func (term *terminal) token() string {
	term.t.Helper()
	bare := strings.NewReplacer("\n", "", " ", "", "│", "").Replace(term.text())
	found := tokenText.FindString(bare)
	if found == "" {
		term.t.Fatalf("no token on the screen:\n%s", term.text())
	}
	return found
}

// SPEC E12, B8, C22: the control plane by keys in a real terminal, on a real coordinator: a peer is
// added, its token rotated, and the peer removed; a bucket gets a quota; a deleted workspace comes
// back. Once its dialog is closed no byte of a token is drawn again.
func TestControlPlaneByKeys(t *testing.T) {
	for _, size := range []struct{ columns, rows int }{{80, 24}, {40, 10}, {200, 60}} {
		t.Run(fmt.Sprintf("%dx%d", size.columns, size.rows), func(t *testing.T) {
			home := t.TempDir()
			term := openTerminal(t, home, size.columns, size.rows)
			term.see("No workspaces yet")
			for _, args := range [][]string{{"workspace", "create", "notes"}, {"workspace", "delete", "notes", "--yes"}, {"bucket", "create", "logs"}} {
				if out, err := term.command(args...); err != nil {
					t.Fatalf("%q: %v %s", args, err, out)
				}
			}
			term.press("6")
			term.see("Store", "Used")

			// A peer: its token is told once, and it is the one that serves.
			term.section("Peers")
			term.press("n")
			term.see("Add a peer")
			term.press("laptop" + enter + "bucket-read:logs" + enter)
			term.see("mesh_", "not shown again")
			tokens := []string{term.token()}
			term.press(escape)
			term.lose("mesh_")
			var peers []coordinator.PeerInfo
			term.answers(&peers, "peer", "list")
			id := ""
			for _, p := range peers {
				if p.Name == "laptop" {
					id = p.ID
				}
			}
			if id == "" {
				t.Fatalf("no peer laptop: %v", peers)
			}
			afterFirst := term.drawn()

			term.press("/laptop" + enter)
			term.until("the peer under the cursor", func(screen string) bool { return strings.Contains(screen, "▸ laptop") })
			term.press("r")
			term.see("Another token")
			term.press("0s" + enter)
			term.see("mesh_", "not shown again")
			tokens = append(tokens, term.token())
			term.press(escape)
			term.lose("mesh_")
			afterSecond := term.drawn()
			var rotated coordinator.PeerInfo
			term.answers(&rotated, "peer", "show", id)
			if rotated.Rotated.IsZero() || !rotated.PreviousUntil.IsZero() {
				t.Errorf("after the rotation: %+v", rotated)
			}

			term.press("d")
			term.see("Remove peer")
			term.press("laptop" + enter)
			term.lose("Remove peer")
			term.until("the peer to go", func(string) bool { _, err := term.command("peer", "show", id); return err != nil })
			term.press(escape) // the message
			term.press("R")
			term.answers(&peers, "peer", "list")
			if len(peers) != 1 {
				t.Errorf("peers that are left: %v", peers)
			}

			// A bucket's quota.
			term.section("Buckets")
			term.until("the bucket under the cursor", func(screen string) bool { return strings.Contains(screen, "▸ logs") })
			term.press("Q")
			term.see("Quota of bucket logs")
			term.press("1GB" + enter)
			term.lose("Quota of bucket logs")
			term.until("the quota", func(string) bool {
				var b coordinator.Bucket
				term.answers(&b, "bucket", "info", "logs")
				return b.Quota == 1<<30
			})

			// A deleted workspace comes back.
			term.section("Deleted")
			term.see("notes")
			term.press("r")
			term.until("the workspace", func(string) bool {
				var list []workspace.Workspace
				term.answers(&list, "workspace", "list")
				return len(list) == 1 && list[0].Name == "notes"
			})
			term.press("1")
			term.see("notes")

			term.press("\x03")
			select {
			case err := <-term.ended:
				if err != nil {
					t.Errorf("the app ended with %v", err)
				}
			case <-time.After(time.Minute):
				t.Fatalf("ctrl+c did not leave; the screen is\n%s", term.text())
			}
			if tokens[0] == tokens[1] {
				t.Fatalf("both tokens are %s", tokens[0][:9])
			}
			raw := term.drawn()
			for i, from := range []int{len(afterFirst), len(afterSecond)} {
				for _, form := range []string{tokens[i], base64.StdEncoding.EncodeToString([]byte(tokens[i])), tokens[i][5:17], tokens[i][len(tokens[i])-12:]} {
					if strings.Contains(raw[from:], form) {
						t.Errorf("token %d was drawn after its dialog was closed", i)
					}
					if !strings.Contains(strings.Join(strings.Fields(raw[:from]), ""), tokens[i][5:17]) {
						t.Errorf("token %d is not found where it was told: this test would see nothing", i)
					}
				}
			}
			seen := map[string]string{}
			filesBelow(t, home, seen)
			for path, text := range seen {
				if strings.Contains(path, "/coordinator/packs/") {
					continue // the coordinator's own records: SigV4 needs the value itself
				}
				for _, token := range tokens {
					if strings.Contains(text, token) {
						t.Errorf("a token is in %s", path)
					}
				}
			}
		})
	}
}

// drawn is every byte that the program has drawn so far.
func (term *terminal) drawn() string {
	term.mu.Lock()
	defer term.mu.Unlock()
	return term.raw.String()
}

// SPEC D8: what the app shows as the command line of each change is a command that there is, with flags
// that it has.
func TestControlLinesAreCommands(t *testing.T) {
	binding := coordinator.Binding{ID: "b1", Peer: "ci"}
	for _, c := range []*control.Change{
		control.AddPeer("ci", "admin bucket-read:logs"), control.RotatePeer("ci", "24h"), control.RemovePeer("ci"),
		control.Bind("ci", "admin"), control.Unbind(binding),
		control.CreateBucket("logs", "1GB"), control.DeleteBucket("logs", true), control.BucketQuota("logs", "1GB"), control.BucketQuota("logs", ""),
		control.Recycle("logs", "7d"), control.RestoreObject("logs", coordinator.RecycledObject{ID: "r1"}),
		control.CreateShare("release", "logs/2026/", "7d"), control.RevokeShare("release"),
		control.RestoreWorkspace("d1", "notes"), control.PurgeWorkspace("d1", "notes"), control.WorkspaceQuota("notes", "1GB"), control.WorkspaceQuota("notes", ""),
		control.Backup("/tmp/b", keyring.NewSecret("x"), ""), control.Bandwidth("/mnt/notes", "1M", ""),
		control.UseContext("work"), control.Login(backend.LoginRequest{URL: "http://c:8080", Name: "work", Fingerprint: "AB"}), control.Logout("work"),
	} {
		words := strings.Fields(c.Line)
		out, err := exec.Command(filepath.Join(programDir, "artifacts-tui"), append(words[1:], "--help")...).CombinedOutput()
		path := []string{"artifacts-tui"}
		for _, w := range words[1:3] {
			if strings.Contains(string(out), "artifacts-tui "+strings.Join(append(path[1:], w), " ")) {
				path = append(path, w)
			}
		}
		if err != nil || len(path) < 2 {
			t.Errorf("%s: %v\n%s", c.Line, err, out)
		}
	}
}
