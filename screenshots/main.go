package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	bin := flag.String("bin", "", "the program to draw")
	out := flag.String("out", "screenshots", "folder for the pictures")
	scale := flag.String("scale", "1.5", "of the PNG")
	noPNG := flag.Bool("svg-only", false, "write SVG instead of PNG")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: go run ./screenshots -bin PROGRAM [-out FOLDER] SCENE...")
		flag.PrintDefaults()
	}
	flag.Parse()
	if *bin == "" || flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	program, err := filepath.Abs(*bin)
	if err == nil {
		err = os.MkdirAll(*out, 0o755)
	}
	for _, file := range flag.Args() {
		if err != nil {
			break
		}
		err = draw(program, file, *out, *scale, !*noPNG)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "screenshots:", err)
		os.Exit(1)
	}
}

// remove deletes the scene's home, unless something is mounted in it: deleting
// would reach into the mount.
func remove(home string) error {
	mounted, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if strings.Contains(string(mounted), " "+home+"/") {
		return fmt.Errorf("something is still mounted in %s, it is left as it is", home)
	}
	return os.RemoveAll(home)
}

// draw plays one scene and writes its pictures.
func draw(program, file, out, scale string, png bool) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	steps, err := parse(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	home, err := os.MkdirTemp("", "scene-")
	if err != nil {
		return err
	}
	defer func() {
		if err := remove(home); err != nil {
			fmt.Fprintln(os.Stderr, "screenshots:", err)
		}
	}()
	p := &player{program: program, home: home, width: 120, height: 32}
	defer p.close()
	if err := p.install(); err != nil {
		return err
	}
	p.shot = func(name string, s screen) error {
		svg := filepath.Join(out, name+".svg")
		if err := os.WriteFile(svg, []byte(s.svg()), 0o644); err != nil {
			return err
		}
		if !png {
			fmt.Println(svg)
			return nil
		}
		picture := filepath.Join(out, name+".png")
		if err := exec.Command("rsvg-convert", "--zoom", scale, "-o", picture, svg).Run(); err != nil {
			return fmt.Errorf("rsvg-convert (Debian's librsvg2-bin): %w", err)
		}
		fmt.Println(picture)
		return os.Remove(svg)
	}
	p.drawn = func(name string, f *film) error {
		svg := filepath.Join(out, name+".svg")
		fmt.Println(svg)
		return os.WriteFile(svg, []byte(f.svg()), 0o644)
	}
	for _, st := range steps {
		if err := p.play(st); err != nil {
			return fmt.Errorf("%s:%d: %w", file, st.line, err)
		}
	}
	return nil
}
