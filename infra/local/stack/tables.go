package stack

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"
)

// Table is an AWS::DynamoDB::Table.
type Table struct {
	LogicalID string // its name in the template
	Name      string // its name in DynamoDB
	Create    *dynamodb.CreateTableInput
	TTL       string // attribute with the time of expiry, or empty
}

// readTable reads what matters for the table's behaviour. Point-in-time recovery and deletion protection do not exist
// locally.
func (l *loader) readTable(logicalID string, p properties) error {
	name := l.refs[logicalID]
	in := &dynamodb.CreateTableInput{
		TableName:   aws.String(name),
		BillingMode: types.BillingModePayPerRequest,
		KeySchema:   keySchema(p.list("KeySchema")),
	}
	for _, item := range p.list("AttributeDefinitions") {
		m, _ := item.(map[string]any)
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{
			AttributeName: aws.String(properties(m).text("AttributeName")),
			AttributeType: types.ScalarAttributeType(properties(m).text("AttributeType")),
		})
	}
	for _, item := range p.list("GlobalSecondaryIndexes") {
		m, _ := item.(map[string]any)
		index := properties(m)
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName: aws.String(index.text("IndexName")), KeySchema: keySchema(index.list("KeySchema")), Projection: projection(index),
		})
	}
	for _, item := range p.list("LocalSecondaryIndexes") {
		m, _ := item.(map[string]any)
		index := properties(m)
		in.LocalSecondaryIndexes = append(in.LocalSecondaryIndexes, types.LocalSecondaryIndex{
			IndexName: aws.String(index.text("IndexName")), KeySchema: keySchema(index.list("KeySchema")), Projection: projection(index),
		})
	}
	if view := p.under("StreamSpecification").text("StreamViewType"); view != "" {
		in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewType(view)}
	}
	table := Table{LogicalID: logicalID, Name: name, Create: in}
	if ttl := p.under("TimeToLiveSpecification"); ttl.text("Enabled") == "true" {
		table.TTL = ttl.text("AttributeName")
	}
	l.template.Tables = append(l.template.Tables, table)
	return nil
}

func keySchema(list []any) []types.KeySchemaElement {
	var keys []types.KeySchemaElement
	for _, item := range list {
		m, _ := item.(map[string]any)
		keys = append(keys, types.KeySchemaElement{
			AttributeName: aws.String(properties(m).text("AttributeName")), KeyType: types.KeyType(properties(m).text("KeyType")),
		})
	}
	return keys
}

func projection(index properties) *types.Projection {
	p := index.under("Projection")
	return &types.Projection{
		ProjectionType: types.ProjectionType(p.text("ProjectionType")), NonKeyAttributes: p.texts("NonKeyAttributes"),
	}
}

// createTables creates the tables that are not there yet and returns when all can be used.
func createTables(ctx context.Context, client *dynamodb.Client, tables []Table) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, t := range tables {
		g.Go(func() error {
			if err := t.create(ctx, client); err != nil {
				return fmt.Errorf("create table %s: %w", t.Name, err)
			}
			return nil
		})
	}
	return g.Wait()
}

func (t Table) create(ctx context.Context, client *dynamodb.Client) error {
	_, err := client.CreateTable(ctx, t.Create)
	var exists *types.ResourceInUseException
	if errors.As(err, &exists) {
		return nil
	}
	if err != nil {
		return err
	}
	wait := dynamodb.NewTableExistsWaiter(client, func(o *dynamodb.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 20*time.Millisecond, time.Second
	})
	if err := wait.Wait(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(t.Name)}, time.Minute); err != nil || t.TTL == "" {
		return err
	}
	_, err = client.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
		TableName:               aws.String(t.Name),
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String(t.TTL), Enabled: aws.Bool(true)},
	})
	return err
}

// streamOf gives the ARN of a table's stream.
func streamOf(ctx context.Context, client *dynamodb.Client, table string) (string, error) {
	out, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(table)})
	if err != nil {
		return "", fmt.Errorf("stream of table %s: %w", table, err)
	}
	if out.Table.LatestStreamArn == nil {
		return "", fmt.Errorf("table %s has no stream", table)
	}
	return *out.Table.LatestStreamArn, nil
}
