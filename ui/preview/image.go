package preview

import (
	"bytes"
	"image"
	"image/color"
)

// picture decodes an image and keeps it small.
func picture(b []byte) (Document, bool) {
	config, _, err := image.DecodeConfig(bytes.NewReader(b))
	if err != nil || config.Width <= 0 || config.Height <= 0 || config.Width > maxDecoded/4/config.Height {
		return Document{}, false
	}
	img, _, err := image.Decode(bytes.NewReader(b))
	if err != nil {
		return Document{}, false
	}
	d := Document{Kind: Image, Whole: true, Size: [2]int{config.Width, config.Height}}
	d.Image = Scale(img, maxPixels, maxPixels)
	return d, true
}

// Scale makes an image at most width × height pixels by averaging; it never makes one larger.
func Scale(img image.Image, width, height int) image.Image {
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	if w <= 0 || h <= 0 || width <= 0 || height <= 0 {
		return image.NewRGBA(image.Rectangle{})
	}
	if w <= width && h <= height {
		return img
	}
	if w*height > h*width {
		height = max(h*width/w, 1)
	} else {
		width = max(w*height/h, 1)
	}
	out := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			out.SetRGBA(x, y, average(img, b.Min.X+x*w/width, b.Min.Y+y*h/height, b.Min.X+(x+1)*w/width, b.Min.Y+(y+1)*h/height))
		}
	}
	return out
}

// average is the colour of a rectangle, of at most 8 × 8 samples of it.
func average(img image.Image, x0, y0, x1, y1 int) color.RGBA {
	x1, y1 = max(x1, x0+1), max(y1, y0+1)
	stepX, stepY := max((x1-x0)/8, 1), max((y1-y0)/8, 1)
	var r, g, b, a, n uint64
	for y := y0; y < y1; y += stepY {
		for x := x0; x < x1; x += stepX {
			cr, cg, cb, ca := img.At(x, y).RGBA()
			r, g, b, a, n = r+uint64(cr), g+uint64(cg), b+uint64(cb), a+uint64(ca), n+1
		}
	}
	return color.RGBA{uint8(r / n >> 8), uint8(g / n >> 8), uint8(b / n >> 8), uint8(a / n >> 8)}
}
