package keymap

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Typing reports whether text goes to a field in a scope, so that no letter can be a key there.
func Typing(scope string) bool {
	switch scope {
	case Filtering, Searching, Form, Secrets, Dismiss, Paths:
		return true
	}
	return false
}

// Types reports whether a key is text where there is a field.
func Types(key string) bool { return utf8.RuneCountInString(key) == 1 || key == "space" }

var keyNames = []string{
	"enter", "esc", "tab", "space", "backspace", "delete", "insert", "up", "down", "left", "right", "home", "end", "pgup", "pgdown",
	"f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8", "f9", "f10", "f11", "f12",
}

var modifiers = []string{"ctrl", "alt", "shift", "meta", "hyper", "super"} // in the order that key messages have them

// ParseKey reads the name of a key as people write it ("Ctrl+X", "shift+tab", "S") and returns it
// as key messages spell it; false where there is no such key.
func ParseKey(text string) (key string, ok bool) {
	held := map[string]bool{}
	rest := text
	for {
		at := strings.IndexByte(rest, '+')
		if at <= 0 || at == len(rest)-1 {
			break
		}
		mod := strings.ToLower(rest[:at])
		if !slices.Contains(modifiers, mod) || held[mod] {
			return "", false
		}
		held[mod] = true
		rest = rest[at+1:]
	}
	r, size := utf8.DecodeRuneInString(rest)
	single := size > 0 && size == len(rest) && unicode.IsGraphic(r) && r != utf8.RuneError
	switch name := strings.ToLower(rest); {
	case rest == " ":
		rest = "space"
	case single && len(held) > 0:
		if held["shift"] && len(held) == 1 {
			return strings.ToUpper(rest), true // shift and a letter is a capital
		}
		rest = name
	case single:
	case slices.Contains(keyNames, name):
		rest = name
	default:
		return "", false
	}
	for i := len(modifiers) - 1; i >= 0; i-- {
		if held[modifiers[i]] {
			rest = modifiers[i] + "+" + rest
		}
	}
	return rest, true
}

// Clone returns a copy of m that can be changed.
func (m Map) Clone() Map {
	out := make(Map, len(m))
	for i, s := range m {
		s.Bindings = slices.Clone(s.Bindings)
		out[i] = s
	}
	return out
}

// Binding finds the binding of an action in a scope.
func (m Map) Binding(scope string, a Action) (Binding, bool) {
	if b := m.binding(scope, a); b != nil {
		return *b, true
	}
	return Binding{}, false
}

func (m Map) binding(scope string, a Action) *Binding {
	for i := range m {
		if m[i].Name != scope {
			continue
		}
		for j := range m[i].Bindings {
			if b := &m[i].Bindings[j]; b.Action == a {
				return b
			}
		}
	}
	return nil
}

// Bind gives an action its keys in one scope of m, which is changed.
func (m Map) Bind(scope string, a Action, keys []string) {
	if b := m.binding(scope, a); b != nil && !slices.Equal(b.Keys, keys) {
		b.Keys, b.Label = keys, labels(keys)
	}
}

// Restore gives an action the keys that it has in from.
func (m Map) Restore(from Map, scope string, a Action) {
	if b, was := m.binding(scope, a), from.binding(scope, a); b != nil && was != nil {
		*b = *was
	}
}

// labels writes keys as people read them in a hint.
func labels(keys []string) string {
	return strings.NewReplacer("enter", "⏎", "up", "↑", "down", "↓").Replace(strings.Join(keys, " "))
}
