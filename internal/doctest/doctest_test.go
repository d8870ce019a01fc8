//go:build linux

package doctest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/artifacts-tui/artifacts-tui/internal/program"
)

// TestPages runs every shell block of README.md and docs/*.md: the pages are true.
func TestPages(t *testing.T) {
	built := t.TempDir()
	if err := program.Build(built); err != nil {
		t.Fatal(err)
	}
	t.Run("page", func(t *testing.T) {
		for _, page := range pages(t) {
			if !slices.ContainsFunc(page.blocks, block.runs) {
				continue
			}
			name := strings.TrimSuffix(filepath.Base(page.path), ".md")
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				lines := start(t, built, page).play(page, *update)
				if *update && !t.Failed() && !slices.Equal(lines, page.lines) {
					text := strings.Join(lines, "\n") + "\n"
					if err := os.WriteFile(filepath.Join(root, page.path), []byte(text), 0o644); err != nil {
						t.Fatal(err)
					}
				}
			})
		}
	})
}

// TestMostBlocksRun counts the blocks that are run and names those that are not, each with its reason.
func TestMostBlocksRun(t *testing.T) {
	var run, not int
	var why strings.Builder
	for _, page := range pages(t) {
		for _, b := range page.blocks {
			switch {
			case b.has("norun"):
				not++
				fmt.Fprintf(&why, "\n%s:%d: %s", page.path, b.line, b.says["norun"])
			case b.runs() && (b.language == "sh" || b.language == "console"):
				run++
			}
		}
	}
	t.Logf("%d blocks are run, %d are not:%s", run, not, why.String())
	if run < 4*not {
		t.Errorf("%d blocks are run and %d are not: too few to believe the rest", run, not)
	}
}
