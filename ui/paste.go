package ui

import "os"

// What a terminal sends around text from the clipboard (bracketed paste, mode 2004 of xterm).
const (
	pasteStart = "\x1b[200~"
	pasteEnd   = "\x1b[201~"
)

// pastes is the terminal's input with the escapes inside of a paste made harmless: the library would
// take them for the beginning of a key or of an answer, wait for its end, and miss that of the paste.
type pastes struct {
	*os.File
	inside bool
	ready  []byte // read, and not handed on yet
	at     int    // bytes of the mark that came last: the end's are held back, the start's are not
}

// Read reads what was typed; it waits where all there is may be the end of a paste.
func (p *pastes) Read(b []byte) (int, error) {
	for len(p.ready) == 0 {
		// As much as fits, with what was held back: whoever waits for more to read does not know of ready.
		in := make([]byte, max(len(b)-len(pasteEnd), 1))
		n, err := p.File.Read(in)
		if n == 0 || err != nil {
			return 0, err
		}
		p.ready = p.clean(nil, in[:n])
	}
	n := copy(b, p.ready)
	p.ready = p.ready[n:]
	return n, nil
}

// clean appends in to out. An escape that does not end the paste becomes another control character, so
// that a field refuses it (see component.Input): one that no key is bound to, for where the library took
// what began the paste for something else.
func (p *pastes) clean(out, in []byte) []byte {
	const esc, harmless = 0x1b, 0x1f
	for _, c := range in {
		if !p.inside {
			out = append(out, c)
			switch c {
			case pasteStart[p.at]:
				p.at++
			case esc:
				p.at = 1
			default:
				p.at = 0
			}
			if p.at == len(pasteStart) {
				p.inside, p.at = true, 0
			}
			continue
		}
		if c == pasteEnd[p.at] {
			if p.at++; p.at == len(pasteEnd) {
				out = append(out, pasteEnd...)
				p.inside, p.at = false, 0
			}
			continue
		}
		if p.at > 0 {
			out = append(append(out, harmless), pasteEnd[1:p.at]...)
		}
		if p.at = 0; c == esc {
			p.at = 1
		} else {
			out = append(out, c)
		}
	}
	return out
}
