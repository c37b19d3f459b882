package script

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdData gives the script's server the data directory of an older server, see
// testdata/data.sh.
func cmdData(ts *testscript.TestScript, args []string) error {
	dir := on(ts).Path("data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	out, err := exec.Command("tar", "-C", dir, "-xzf", filepath.Join("testdata", "data-"+args[0]+".tar.gz")).CombinedOutput()
	if err != nil {
		return fmt.Errorf("tar: %w: %s", err, out)
	}
	return nil
}
