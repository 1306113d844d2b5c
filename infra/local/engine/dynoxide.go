package engine

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"

	"customercare/infra/npm"
)

const (
	dynoxideVersion = "1.2.1"
	dynoxideFile    = "dynoxide.db" // its tables in a data folder
)

// dynoxidePackages has the package of each platform, by GOOS/GOARCH, with the checksum
// that npm publishes. A platform belongs here once its package can be downloaded and
// checked.
var dynoxidePackages = map[string]npm.Package{
	"linux/amd64": {
		Name: "@dynoxide/linux-x64", Version: dynoxideVersion,
		Integrity: "sBHqlxJ9ANkLluFkYRfd5r8Y0ApFew4FhOrlhgRAgD4XzEoFOukEo1nuBTQ1+jTtofqwn4NWQ2k0Tn5mNTjgUg==",
		Folder:    "package/", Wanted: "dynoxide",
	},
}

// prepareDynoxide makes sure that the binary is there. It listens on the loopback alone.
func prepareDynoxide(ctx context.Context, cache, dataDir string) (program, error) {
	pkg, err := dynoxideFor(runtime.GOOS + "/" + runtime.GOARCH)
	if err != nil {
		return program{}, err
	}
	dir, err := fetch(ctx, pkg, cache)
	if err != nil {
		return program{}, err
	}
	flags := []string{"serve", "--host", "127.0.0.1"}
	if dataDir != "" {
		flags = append(flags, "--db-path", filepath.Join(dataDir, dynoxideFile))
	}
	return program{
		path: filepath.Join(dir, pkg.Wanted), flags: flags, dir: dir,
		port: "--port", listens: "127.0.0.1",
	}, nil
}

func dynoxideFor(platform string) (npm.Package, error) {
	pkg, ok := dynoxidePackages[platform]
	if !ok {
		return npm.Package{}, fmt.Errorf("there is no dynoxide for %s: set ENGINE=%s (needs Java), "+
			"or DYNAMODB_ENDPOINT to a running DynamoDB", platform, DynamoDBLocal)
	}
	return pkg, nil
}
