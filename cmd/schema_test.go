//go:build linux

package cmd_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

var update = flag.Bool("update", false, "write docs/json.md anew")

// schemas are the files of ./schema: one a noun, whose $defs have what each command prints, by the command's
// name, and, by names in capitals, what several of these share.
type schemas struct {
	files    map[string]map[string]any // by name, as they are
	compiled map[string]*jsonschema.Schema

	mu      sync.Mutex
	covered map[string]bool // commands whose true output was validated
}

const schemaBase = "https://schema.test/"

// readSchemas reads and compiles all of them, with no field allowed but those that they name.
func readSchemas(t *testing.T) *schemas {
	t.Helper()
	s := &schemas{files: map[string]map[string]any{}, compiled: map[string]*jsonschema.Schema{}, covered: map[string]bool{}}
	names, err := filepath.Glob("schema/*.json")
	if err != nil || len(names) == 0 {
		t.Fatalf("no schemas: %v", err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		s.files[filepath.Base(name)] = doc.(map[string]any)
		strict, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		closeObjects(strict)
		if err := c.AddResource(schemaBase+filepath.Base(name), strict); err != nil {
			t.Fatal(err)
		}
	}
	for name, doc := range s.files {
		for def := range doc["$defs"].(map[string]any) {
			compiled, err := c.Compile(schemaBase + name + "#/$defs/" + strings.ReplaceAll(def, " ", "%20"))
			if err != nil {
				t.Fatalf("%s: %s: %v", name, def, err)
			}
			if isCommand(def) {
				s.compiled[def] = compiled
			}
		}
	}
	return s
}

// closeObjects has every object with properties take no others: what is not documented is found so. Readers of the
// documents are to ignore what they do not know.
func closeObjects(v any) {
	switch at := v.(type) {
	case map[string]any:
		if _, has := at["properties"]; has && at["additionalProperties"] == nil && at["x-open"] == nil {
			at["additionalProperties"] = false
		}
		for _, child := range at {
			closeObjects(child)
		}
	case []any:
		for _, child := range at {
			closeObjects(child)
		}
	}
}

// isCommand tells the name of a command from that of a shared part.
func isCommand(def string) bool { return strings.ToLower(def) == def }

// of is the command that args call, and its schema.
func (s *schemas) of(args []string) (string, *jsonschema.Schema) {
	for n := len(args); n > 0; n-- {
		name := strings.Join(args[:n], " ")
		if c := s.compiled[name]; c != nil {
			return name, c
		}
	}
	return "", nil
}

// command is the testscript command `json`: it runs a command of the program with --format json, and wants its
// output to be what the schema says. Negated the command has to fail, with an error on standard error as it is documented; what it prints
// nevertheless is validated too. Usage: [!] json COMMAND [ARG...]
func (s *schemas) command(ts *testscript.TestScript, neg bool, args []string) {
	name, schema := s.of(args)
	if schema == nil {
		ts.Fatalf("there is no schema of %q", args)
	}
	err := ts.Exec("artifacts-tui", append(slices.Clone(args), "--format", "json")...)
	if (err != nil) != neg {
		ts.Fatalf("%v\n%s", err, ts.ReadFile("stderr"))
	}
	if err != nil {
		said := ts.ReadFile("stderr") // notes, a line each, and then the error
		ts.Check(validate(s.compiled["error"], said[strings.LastIndex("\n"+said, "\n{\n"):]))
	}
	out := ts.ReadFile("stdout")
	if out == "" && neg {
		return
	}
	if err := validate(schema, out); err != nil {
		ts.Fatalf("%s printed\n%s\n%v", name, out, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.covered[name] = true
}

func validate(schema *jsonschema.Schema, text string) error {
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return err
	}
	return schema.Validate(v)
}

// SPEC C9, C15: what commands print as JSON is what the schemas say, for every command that has one.
func TestJSON(t *testing.T) {
	s := readSchemas(t)
	t.Run("commands", func(t *testing.T) {
		runScripts(t, "testdata/json", map[string]func(*testscript.TestScript, bool, []string){
			"json": s.command,
			"batchlines": func(ts *testscript.TestScript, _ bool, args []string) {
				for line := range strings.Lines(ts.ReadFile(args[0])) {
					if err := validate(s.compiled["--batch"], line); err != nil {
						ts.Fatalf("%s\n%v", line, err)
					}
				}
				s.mu.Lock()
				defer s.mu.Unlock()
				s.covered["--batch"] = true
			},
		})
	})
	if t.Failed() {
		return
	}
	s.covered["error"] = true // of any command that fails
	for _, name := range slices.Sorted(maps.Keys(s.compiled)) {
		if !s.covered[name] {
			t.Errorf("no output of %q was validated", name)
		}
	}
}

const generated = "<!-- What follows is written by `go test ./cmd -run TestJSONIsDocumented -update` from the schemas in cmd/schema. -->\n"

// SPEC C9: docs/json.md says what the schemas say.
func TestJSONIsDocumented(t *testing.T) {
	const file = "../docs/json.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, _, found := strings.Cut(string(text), generated)
	if !found {
		t.Fatalf("%s has no line %q", file, generated)
	}
	want := before + generated + readSchemas(t).markdown()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if string(text) != want {
		t.Errorf("%s is not what cmd/schema says; go test ./cmd -run TestJSONIsDocumented -update writes it", file)
	}
}

// markdown is a section a noun, with a table of fields for each command or shared part.
func (s *schemas) markdown() string {
	var b strings.Builder
	for _, file := range slices.Sorted(maps.Keys(s.files)) {
		doc := s.files[file]
		fmt.Fprintf(&b, "\n## %s\n\n", doc["title"])
		if text, ok := doc["description"].(string); ok {
			fmt.Fprintf(&b, "%s ", text)
		}
		fmt.Fprintf(&b, "Schema: [cmd/schema/%s](../cmd/schema/%s)\n", file, file)
		defs := doc["$defs"].(map[string]any)
		names := slices.SortedFunc(maps.Keys(defs), func(x, y string) int {
			if isCommand(x) != isCommand(y) {
				return map[bool]int{true: -1, false: 1}[isCommand(x)]
			}
			return strings.Compare(x, y)
		})
		for _, name := range names {
			def := defs[name].(map[string]any)
			if isCommand(name) {
				fmt.Fprintf(&b, "\n### `%s`\n\n", name)
			} else {
				fmt.Fprintf(&b, "\n### %s\n\n", name)
			}
			if text, ok := def["description"].(string); ok {
				fmt.Fprintf(&b, "%s\n\n", text)
			}
			if rows := s.rows(def, "", file); len(rows) > 0 {
				b.WriteString("| field | type | |\n|---|---|---|\n" + strings.Join(rows, "") + "\n")
			} else {
				fmt.Fprintf(&b, "%s.\n", capital(s.kind(def, file)))
			}
		}
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// rows are those of the fields of an object, or of the elements of an array of objects.
func (s *schemas) rows(def map[string]any, under, file string) (rows []string) {
	if items, ok := def["items"].(map[string]any); ok {
		return s.rows(items, under+"[].", file)
	}
	properties, _ := def["properties"].(map[string]any)
	required, _ := def["required"].([]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		p := properties[name].(map[string]any)
		text, _ := p["description"].(string)
		if !slices.Contains(required, any(name)) {
			text = strings.TrimSpace("*(may be absent)* " + text)
		}
		rows = append(rows, fmt.Sprintf("| `%s%s` | %s | %s |\n", under, name, s.kind(p, file), strings.ReplaceAll(text, "|", "\\|")))
		if p["$ref"] == nil {
			rows = append(rows, s.rows(p, under+name+".", file)...)
		}
	}
	return rows
}

// kind is the type of a value in a few words.
func (s *schemas) kind(def map[string]any, file string) string {
	if ref, ok := def["$ref"].(string); ok {
		other, name, _ := strings.Cut(ref, "#/$defs/")
		anchor := strings.ToLower(strings.ReplaceAll(name, "%20", "-"))
		if other != "" && other != file {
			return fmt.Sprintf("%s of [%s](#%s)", strings.ToLower(name), strings.TrimSuffix(path.Base(other), ".json"), anchor)
		}
		return fmt.Sprintf("[%s](#%s)", name, anchor)
	}
	if list, ok := def["enum"].([]any); ok {
		words := make([]string, len(list))
		for i, v := range list {
			text, _ := json.Marshal(v)
			words[i] = "`" + strings.Trim(string(text), `"`) + "`"
		}
		return strings.Join(words, ", ")
	}
	for _, either := range []string{"oneOf", "anyOf"} {
		if list, ok := def[either].([]any); ok {
			words := make([]string, len(list))
			for i, v := range list {
				words[i] = s.kind(v.(map[string]any), file)
			}
			return strings.Join(words, " or ")
		}
	}
	switch def["type"] {
	case "array":
		if items, ok := def["items"].(map[string]any); ok {
			return "array of " + s.kind(items, file)
		}
	case "string":
		if def["format"] == "date-time" {
			return "time"
		}
	case "object":
		if of, ok := def["additionalProperties"].(map[string]any); ok {
			return "object of " + s.kind(of, file)
		}
	}
	if t, ok := def["type"].(string); ok {
		return t
	}
	return "any"
}
