package config

import (
	"encoding"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// decoder fills a Config from YAML by the `yaml` tags of its fields, and notes the line of
// each key. It takes the plain part of YAML alone: no anchors, tags, merges or second document.
type decoder struct {
	file  string
	lines map[string]int // by key, such as s3.max_size
}

// maxOpened bounds how many lists and mappings may be within each other.
const maxOpened = 500

// maxValue bounds a value, in bytes: Linux has no longer paths.
const maxValue = 4096

const seeExample = "`coordinator config example` prints every key with its default"

func (d *decoder) fail(line int, hint, format string, args ...any) error {
	return fault.New(fault.Usage, hint, "%s:%d: %s", d.file, line, fmt.Sprintf(format, args...))
}

func (d *decoder) decode(text []byte, into *Config) error {
	text = []byte(strings.TrimPrefix(string(text), "\ufeff"))
	opened := 0
	for i, line := range strings.Split(string(text), "\n") {
		if !utf8.ValidString(line) || strings.ContainsRune(line, 0) {
			return d.fail(i+1, "save it as UTF-8", "this is not text")
		}
		// The parser takes gigabytes for thousands of levels.
		if opened += strings.Count(line, "[") + strings.Count(line, "{"); opened > maxOpened || strings.Count(line, "- ") > maxOpened {
			return d.fail(i+1, seeExample, "the file has more than %d lists, which no coordinator.yaml has", maxOpened)
		}
	}
	f, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return d.syntax(err)
	}
	var body ast.Node
	for _, doc := range f.Docs {
		switch {
		case doc.Body == nil:
		case body != nil:
			return d.fail(line(doc.Body), "merge the two", "a second document begins; coordinator.yaml is one")
		default:
			body = doc.Body
		}
	}
	if body == nil {
		return d.fail(1, seeExample, "the file says nothing")
	}
	return d.mapping("", body, reflect.ValueOf(into).Elem())
}

// syntax puts the parser's error on one line.
func (d *decoder) syntax(err error) error {
	var y yaml.Error
	if !errors.As(err, &y) || y.GetToken() == nil {
		return d.fail(1, seeExample, "%s", strings.ReplaceAll(err.Error(), "\n", " "))
	}
	at := y.GetToken().Position.Line
	if strings.Contains(y.GetMessage(), "'\t'") {
		return d.fail(at, "indent with spaces", "a tab, which YAML does not take for indentation")
	}
	return d.fail(at, seeExample, "%s", strings.ReplaceAll(y.GetMessage(), "\n", " "))
}

// mapping fills a struct from `key: value` pairs.
func (d *decoder) mapping(path string, node ast.Node, into reflect.Value) error {
	m, ok := node.(ast.MapNode)
	if !ok {
		return d.fail(line(node), seeExample, "%s has keys of its own, not %s", what(path), kind(node))
	}
	seen := map[string]int{}
	for i := m.MapRange(); i.Next(); {
		name, plain := i.Key().(*ast.StringNode)
		at := line(i.Key())
		if !plain {
			return d.fail(at, seeExample, "%q is not a key", i.Key().GetToken().Value)
		}
		key := strings.TrimPrefix(path+"."+name.Value, ".")
		if first, twice := seen[name.Value]; twice {
			return d.fail(at, "keep one of them", "%s is given twice, first on line %d", key, first)
		}
		seen[name.Value] = at
		field, known := fieldOf(into, name.Value)
		if !known {
			return d.fail(at, "the keys of "+what(path)+" are "+strings.Join(names(into.Type()), ", "), "unknown key %s", key)
		}
		if err := d.value(key, at, i.Value(), field); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) value(key string, at int, node ast.Node, into reflect.Value) error {
	_, empty := node.(*ast.NullNode)
	switch {
	case into.Type() == reflect.TypeFor[Listen]():
		d.lines[key] = at
		into.SetZero() // the default's address would be beside an interface
		if _, isMap := node.(ast.MapNode); isMap {
			return d.mapping(key, node, into)
		}
		into = into.FieldByName("Address")
	case into.Kind() == reflect.Struct && empty: // as where all its keys are commented out
		return nil
	case into.Kind() == reflect.Struct:
		return d.mapping(key, node, into)
	}
	d.lines[key] = at
	if empty {
		return d.fail(at, "give it one, or leave the line out for the default", "%s has no value", key)
	}
	if into.Kind() == reflect.Slice {
		return d.list(key, node, into)
	}
	return d.scalar(key, node, into)
}

func (d *decoder) list(key string, node ast.Node, into reflect.Value) error {
	s, ok := node.(*ast.SequenceNode)
	if !ok {
		return d.fail(line(node), "write it as "+key+": [ONE, TWO]", "%s is a list", key)
	}
	list := reflect.MakeSlice(into.Type(), len(s.Values), len(s.Values))
	for i, item := range s.Values {
		if err := d.scalar(key, item, list.Index(i)); err != nil {
			return err
		}
	}
	into.Set(list)
	return nil
}

// scalar reads one word as it stands in the file.
func (d *decoder) scalar(key string, node ast.Node, into reflect.Value) error {
	switch node.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
	default:
		return d.fail(line(node), seeExample, "%s takes a plain value, not %s", key, kind(node))
	}
	text := node.GetToken().Value
	switch {
	case len(text) > maxValue:
		return d.fail(line(node), "see whether a quote is missing", "%s has %d bytes, and a value has no more than %d", key, len(text), maxValue)
	case strings.ContainsFunc(text, unicode.IsControl):
		return d.fail(line(node), "write it without line breaks and the like", "%s has a control character", key)
	}
	if err := set(into, text); err != nil {
		e := fault.As(err)
		return d.fail(line(node), e.Hint, "%s: %s", key, e)
	}
	return nil
}

func set(into reflect.Value, text string) error {
	switch v := into.Addr().Interface().(type) {
	case *netip.Prefix:
		return setPrefix(v, text)
	case encoding.TextUnmarshaler:
		return v.UnmarshalText([]byte(text))
	case *bool:
		if text != "true" && text != "false" {
			return fault.New(fault.Usage, "write true or false", "%q is neither true nor false", text)
		}
		*v = text == "true"
	case *int:
		n, err := strconv.Atoi(text)
		if err != nil || strings.HasPrefix(text, "+") {
			return fault.New(fault.Usage, "write it with digits alone", "%q is not a whole number", text)
		}
		*v = n
	case *string:
		*v = text
	}
	return nil
}

func setPrefix(into *netip.Prefix, text string) error {
	p, err := netip.ParsePrefix(text)
	switch a, alone := netip.ParseAddr(text); {
	case alone == nil:
		return fault.New(fault.Usage, fmt.Sprintf("for that address alone write %s/%d", a, a.BitLen()), "%q has no prefix length", text)
	case err != nil:
		return fault.New(fault.Usage, "write it as 10.0.0.0/8 or fd00::/8", "%q is not a CIDR", text)
	case p.Addr().Is4In6():
		return fault.New(fault.Usage, "write it as an IPv4 one", "%q is an IPv4 range in IPv6's clothes", text)
	case p.Masked() != p:
		return fault.New(fault.Usage, "write "+p.Masked().String(), "%q has bits set past its length", text)
	}
	*into = p
	return nil
}

// fieldOf is the field of a struct with that `yaml` tag.
func fieldOf(v reflect.Value, name string) (reflect.Value, bool) {
	for i := range v.NumField() {
		if tag := v.Type().Field(i).Tag.Get("yaml"); tag == name && tag != "-" {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

func names(t reflect.Type) (list []string) {
	for i := range t.NumField() {
		if tag := t.Field(i).Tag.Get("yaml"); tag != "-" {
			list = append(list, tag)
		}
	}
	return list
}

func what(path string) string {
	if path == "" {
		return "the file"
	}
	return path
}

func line(node ast.Node) int { return node.GetToken().Position.Line }

// longestShown bounds what an error shows of a value, in bytes.
const longestShown = 20

// kind is what a person calls a node.
func kind(node ast.Node) string {
	switch node.(type) {
	case ast.MapNode:
		return "keys of its own"
	case *ast.SequenceNode:
		return "a list"
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		return "an anchor, alias or tag"
	case *ast.LiteralNode:
		return "a block of text"
	}
	value := node.GetToken().Value
	if len(value) > longestShown || strings.Contains(value, "\n") { // of a file of another kind, with who knows what in it
		return "text"
	}
	return strconv.Quote(value)
}
