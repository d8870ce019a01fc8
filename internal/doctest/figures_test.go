package doctest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// compared are the columns of docs/benchmarks.md that README.md shows.
var compared = []string{"artifacts-tui", "rclone mount", "rclone mount2 tuned", "s3fs"}

// TestFigures: what README.md says of speed is what docs/benchmarks.md has. The comment above
// the table names its rows, "A > B" the row B below A; -update writes the table.
func TestFigures(t *testing.T) {
	readme := filepath.Join(root, "README.md")
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	measured, err := os.ReadFile(filepath.Join(root, "docs", "benchmarks.md"))
	if err != nil {
		t.Fatal(err)
	}
	const begin, closed, end = "<!-- benchmarks: ", " -->\n", "<!-- benchmarks end -->"
	before, after, ok := strings.Cut(string(text), begin)
	rows, after, ok2 := strings.Cut(after, closed)
	table, after, ok3 := strings.Cut(after, end)
	if !ok || !ok2 || !ok3 {
		t.Fatalf("README.md has no %s… %s", begin, end)
	}
	want, err := tableOf(string(measured), strings.Split(rows, " | "))
	if err != nil {
		t.Fatal(err)
	}
	if table == want {
		return
	}
	if !*update {
		t.Fatalf("README.md has other figures than docs/benchmarks.md: go test ./internal/doctest -run Figures -update writes\n%s", want)
	}
	if err := os.WriteFile(readme, []byte(before+begin+rows+closed+want+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// tableOf takes rows of the tables of mounts in a page of benchmarks. Of a row that is there
// twice it takes the first.
func tableOf(page string, rows []string) (string, error) {
	found := map[string][]string{}
	var header []string
	var above string
	for _, line := range strings.Split(page, "\n") {
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		switch {
		case strings.HasPrefix(line, "|--"):
		case !strings.HasPrefix(line, "| "):
			header = nil
		case slices.Contains(cells, compared[1]) && slices.Contains(cells, compared[0]):
			header = cells
		case header != nil:
			var row []string
			for _, name := range compared {
				i := slices.Index(header, name)
				if i < 0 || i >= len(cells) {
					return "", fmt.Errorf("docs/benchmarks.md has no column %q beside %q", name, cells[0])
				}
				row = append(row, strings.TrimSpace(cells[i]))
			}
			name := cells[0]
			if strings.HasPrefix(name, "… ") {
				name = above + " > " + name
			} else {
				above = name
			}
			if found[name] == nil {
				found[name] = row
			}
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n| | %s |\n|---|%s\n", strings.Join(compared, " | "), strings.Repeat("---:|", len(compared)))
	for _, name := range rows {
		row, ok := found[name]
		if !ok {
			return "", fmt.Errorf("docs/benchmarks.md has no row %q", name)
		}
		fmt.Fprintf(&b, "| %s | %s |\n", strings.Replace(name, " > … ", ", ", 1), strings.Join(row, " | "))
	}
	return b.String() + "\n", nil
}
