package local

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/fixture"
	"customercare/infra/importer"
	"customercare/infra/local/stack"
)

// demoFiles of infra/demo, those who may call last: as long as nobody may, the demo data
// is not complete.
var demoFiles = []string{"users", "customers", "contacts", "principals"}

// demo is what there is of infra/demo in the tables.
type demo struct {
	loaded map[string]int // records by kind; nil: not by this run
	kept   bool           // the tables were there before, with principals in them
}

// String is e.g. "2 users, 1 API user".
func (d demo) String() string {
	return strings.Replace(importer.Counts{Loaded: d.loaded}.String(), "apiUser", "API user", 1)
}

// loadDemo puts infra/demo into new tables. Tables that were kept stay as they are: what
// has been erased from them must not come back with a restart.
func loadDemo(ctx context.Context, root string, st *stack.Stack, c *console) (demo, error) {
	client := st.DynamoDB()
	tables := fixture.Tables(st.Table)
	there, err := client.Scan(ctx, &dynamodb.ScanInput{TableName: aws.String(tables.Principals), Limit: aws.Int32(1)})
	if err != nil {
		return demo{}, fmt.Errorf("demo data: %w", err)
	}
	if there.Count > 0 {
		return demo{kept: true}, nil
	}
	d := demo{loaded: map[string]int{}}
	for _, name := range demoFiles {
		name += ".ndjson"
		file, err := os.Open(filepath.Join(root, "infra", "demo", name))
		if err != nil {
			return demo{}, fmt.Errorf("demo data: %w", err)
		}
		defer file.Close()
		counts, err := importer.Load(ctx, importer.Options{
			Client: client, Tables: tables,
			Report: func(line int, sentence string) { c.fail(fmt.Sprintf("%s line %d: %s", name, line, sentence)) },
		}, file)
		if err != nil {
			return demo{}, fmt.Errorf("demo data: %s: %w", name, err)
		}
		for kind, n := range counts.Loaded {
			d.loaded[kind] += n
		}
	}
	return d, nil
}
