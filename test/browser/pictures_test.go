package browser

import (
	"flag"
	"os"
	"path/filepath"

	"github.com/chromedp/chromedp"
)

// pictureFolder is where pictures of pages go: those of the documentation are made with
// go test ./test/browser -pictures ../../docs/pictures.
var pictureFolder = flag.String("pictures", "", "write pictures of pages to this folder")

// maxPicture bounds a picture, in bytes: clones have all that ever were.
const maxPicture = 100 << 10

// pictures takes pictures of a page, in light and in dark colours, if they are wanted.
func (v *viewer) pictures(name, path string) {
	v.w.t.Helper()
	if *pictureFolder == "" {
		return
	}
	if err := chromedp.Do(v.ctx, chromedp.EmulateViewport(1000, 640)); err != nil {
		v.w.t.Fatal(err)
	}
	for _, scheme := range []string{"light", "dark"} {
		v.paint(scheme)
		v.open(path)
		v.until("matchMedia('(prefers-color-scheme: " + scheme + ")').matches")
		picture, err := chromedp.Run(v.ctx, chromedp.CaptureScreenshot())
		v.w.must(err)
		if len(picture) > maxPicture {
			v.w.t.Errorf("the picture %s-%s has %d bytes", name, scheme, len(picture))
		}
		v.w.must(os.WriteFile(filepath.Join(*pictureFolder, "page-"+name+"-"+scheme+".png"), picture, 0o666))
	}
	v.paint("light")
	v.resize(wide)
}
