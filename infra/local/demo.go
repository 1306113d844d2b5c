package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/importer"
	"customercare/infra/stack"
)

// demoFiles of infra/demo, those who may call last: as long as nobody may, the demo data is not complete.
var demoFiles = []string{"users", "customers", "contacts", "principals"}

// loadDemo puts infra/demo into new tables. Tables that were kept stay as they are: what has been erased from them must
// not come back with a restart.
func loadDemo(ctx context.Context, root string, st *stack.Stack) error {
	client := st.DynamoDB()
	tables := importer.Tables{
		Users: st.Table("Users"), Customers: st.Table("Customers"), Contacts: st.Table("Contacts"), Principals: st.Table("Principals"),
	}
	there, err := client.Scan(ctx, &dynamodb.ScanInput{TableName: aws.String(tables.Principals), Limit: aws.Int32(1)})
	if err != nil {
		return fmt.Errorf("demo data: %w", err)
	}
	if there.Count > 0 {
		return nil
	}
	for _, name := range demoFiles {
		if err := loadFile(ctx, filepath.Join(root, "infra", "demo", name+".ndjson"), client, tables); err != nil {
			return fmt.Errorf("demo data: %s: %w", name, err)
		}
	}
	return nil
}

func loadFile(ctx context.Context, file string, client *dynamodb.Client, tables importer.Tables) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = importer.Load(ctx, importer.Options{
		Client: client, Tables: tables,
		Report: func(line int, sentence string) {
			fmt.Fprintf(os.Stderr, "%s line %d: %s\n", filepath.Base(file), line, sentence)
		},
	}, f)
	return err
}
