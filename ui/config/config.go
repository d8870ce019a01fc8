package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// File is the name of the file in the config root.
const File = "tui.yaml"

// The themes that can be asked for.
const (
	Auto  = "auto" // dark or light, as the terminal says
	Dark  = "dark"
	Light = "light"
	Mono  = "mono" // without colours
)

var themes = []string{Auto, Dark, Light, Mono}

// Config is what the file says, over the defaults.
type Config struct {
	Theme    string
	ASCII    bool // signs in plain ASCII
	Colors   theme.Overrides
	Keys     keymap.Map
	Problems []string // a line each
}

// file is the form of tui.yaml.
type file struct {
	Theme  string                       `yaml:"theme"`
	Glyphs string                       `yaml:"glyphs"`
	Colors map[string]map[string]string `yaml:"colors"`
	Keys   map[string]any               `yaml:"keys"`
}

const fileMax = 1 << 20

// Read reads the file in the folder root, which need not be there.
func Read(root string, defaults keymap.Map, together [][]string) Config {
	path := filepath.Join(root, File)
	info, err := os.Stat(path)
	var text []byte
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Parse(nil, defaults, together)
	case err == nil && (!info.Mode().IsRegular() || info.Size() > fileMax):
		err = errors.New("it is no file of a reasonable size")
	case err == nil:
		text, err = os.ReadFile(path)
	}
	c := Parse(text, defaults, together)
	if err != nil {
		c.problem("%v", err)
	}
	return c
}

// Parse reads the text of a file. together are the scopes whose keys work at the same time.
func Parse(text []byte, defaults keymap.Map, together [][]string) Config {
	c := Config{Theme: Auto, Keys: defaults}
	var f file
	if err := yaml.UnmarshalWithOptions(text, &f, yaml.DisallowUnknownField()); err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		c.problem("%s", first)
		return c
	}
	if f.Theme != "" {
		if slices.Contains(themes, f.Theme) {
			c.Theme = f.Theme
		} else {
			c.problem("theme: there is no theme %q%s", f.Theme, suggest(f.Theme, themes))
		}
	}
	switch f.Glyphs {
	case "", "unicode":
	case "ascii":
		c.ASCII = true
	default:
		c.problem("glyphs: unicode or ascii, not %q", f.Glyphs)
	}
	c.colors(f.Colors)
	c.keys(f.Keys, defaults, together)
	return c
}

func (c *Config) problem(format string, args ...any) {
	c.Problems = append(c.Problems, File+": "+fmt.Sprintf(format, args...))
}

// colors takes the colours of each ground.
func (c *Config) colors(grounds map[string]map[string]string) {
	for _, ground := range sorted(grounds) {
		if ground != Dark && ground != Light {
			c.problem("colors: %q is no ground%s", ground, suggest(ground, []string{Dark, Light}))
			continue
		}
		for _, token := range sorted(grounds[ground]) {
			value := grounds[ground][token]
			if !slices.Contains(theme.Tokens, token) {
				c.problem("colors.%s: there is no token %q%s", ground, token, suggest(token, theme.Tokens))
				continue
			}
			if err := c.Colors.Set(ground == Light, token, value); err != nil {
				c.problem("colors.%s.%s: %v", ground, token, err)
			}
		}
	}
}

// sorted are the keys of a map in order.
func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// suggest is what may have been meant, as the end of a line, or "".
func suggest(name string, names []string) string {
	best, least := "", len(name)/2+1
	for _, candidate := range names {
		if d := distance(name, candidate); d < least {
			best, least = candidate, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

// distance counts the letters to put in, take out or change to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
