package preview

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"
)

func text(d Document) string {
	var b strings.Builder
	for _, line := range d.Lines {
		for _, s := range line {
			b.WriteString(s.Text)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func tones(line []Span) string {
	var b strings.Builder
	for _, s := range line {
		b.WriteString(strings.Repeat(string("pcsnkh"[s.Tone]), len(s.Text)))
	}
	return b.String()
}

func TestMake(t *testing.T) {
	for _, c := range []struct {
		name, body string
		more       int64 // bytes that were not read
		kind       Kind
		first      string // line
		tones      string
	}{
		{"a.txt", "one\r\ntwo\n", 0, Text, "one", "ppp"},
		{"a.go", "x := 1 // one", 0, Code, "x := 1 // one", "pppppnpcccccc"},
		{"a.py", "def f(): return 'a#b'", 0, Code, "def f(): return 'a#b'", "kkkppppppkkkkkkpsssss"},
		{"a.json", `{"a":[1,true]}`, 0, JSON, "{", "p"},
		{"a.json", `{"a":[1`, 9, JSON, `{"a":[1`, "pkkkppn"},
		{"a.csv", "name,n\nbeta,12\n", 0, Table, "name  n   ", "hhhhpphhpp"},
		{"a.md", "# Title\n`code`", 0, Prose, "# Title", "hhhhhhh"},
		{"a.bin", "\x00\x01AB", 0, Hex, "000000  00 01 41 42              ..AB", ""},
		{"a.txt", "", 0, None, "", ""},
		{"a.txt", "grü\xc3", 5, Text, "grü", "pppp"}, // cut within a character
		{"a.txt", "gr\xfcn", 0, Hex, "000000  67 72 fc 6e              gr.n", ""},
		{"a.png", "no picture", 0, Text, "no picture", "pppppppppp"},
	} {
		d := Make(c.name, []byte(c.body), int64(len(c.body))+c.more)
		got, _, _ := strings.Cut(text(d), "\n")
		if d.Kind != c.kind || got != c.first || d.Whole != (c.more == 0) {
			t.Errorf("%s %q: %s %q, whole: %v", c.name, c.body, d.Kind, got, d.Whole)
		}
		if c.tones != "" && tones(d.Lines[0]) != c.tones {
			t.Errorf("%s %q: tones %s, want %s", c.name, c.body, tones(d.Lines[0]), c.tones)
		}
	}
}

func TestPicture(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 1000, 500))
	for y := range 500 {
		for x := range 1000 {
			img.SetRGBA(x, y, color.RGBA{200, 100, 50, 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	d := Make("a.PNG", b.Bytes(), int64(b.Len()))
	if d.Kind != Image || d.Size != [2]int{1000, 500} || d.Image.Bounds() != image.Rect(0, 0, 512, 256) {
		t.Fatalf("%s %v %v", d.Kind, d.Size, d.Image.Bounds())
	}
	if r, g, bl, _ := d.Image.At(100, 100).RGBA(); r>>8 != 200 || g>>8 != 100 || bl>>8 != 50 {
		t.Errorf("a pixel is %d %d %d", r>>8, g>>8, bl>>8)
	}
	if small := Scale(d.Image, 0, 10); !small.Bounds().Empty() {
		t.Errorf("nothing wide is %v", small.Bounds())
	}
}

// Whatever an object holds, its preview is made.
func FuzzMake(f *testing.F) {
	f.Add("a.csv", []byte("a,\"b\n"), int64(9))
	f.Add("a.json", []byte("{"), int64(1))
	f.Add("a.go", []byte("/* \"\\"), int64(7))
	f.Add("a.png", []byte("\x89PNG\r\n\x1a\n"), int64(8))
	f.Fuzz(func(t *testing.T, name string, body []byte, size int64) {
		d := Make(name, body, size)
		for _, line := range d.Lines {
			for _, s := range line {
				if strings.Contains(s.Text, "\n") {
					t.Errorf("a line break in %q", s.Text)
				}
			}
		}
	})
}
