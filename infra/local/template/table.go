package template

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Table is an AWS::DynamoDB::Table.
type Table struct {
	LogicalID string // its name in the template
	Name      string // its name in DynamoDB
	Create    *dynamodb.CreateTableInput
	TTL       string // attribute with the time of expiry, or empty
}

// readTable reads what matters for the table's behaviour. Point-in-time recovery and
// deletion protection do not exist locally.
func (l *loader) readTable(logicalID string, p properties) error {
	if p["LocalSecondaryIndexes"] != nil {
		return errors.New("the local stack makes global secondary indexes only")
	}
	name := l.refs[logicalID]
	in := &dynamodb.CreateTableInput{
		TableName:   aws.String(name),
		BillingMode: types.BillingModePayPerRequest,
		KeySchema:   keySchema(p),
	}
	for _, attribute := range p.mappings("AttributeDefinitions") {
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{
			AttributeName: aws.String(attribute.text("AttributeName")),
			AttributeType: types.ScalarAttributeType(attribute.text("AttributeType")),
		})
	}
	for _, index := range p.mappings("GlobalSecondaryIndexes") {
		projection := index.under("Projection")
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName: aws.String(index.text("IndexName")),
			KeySchema: keySchema(index),
			Projection: &types.Projection{
				ProjectionType:   types.ProjectionType(projection.text("ProjectionType")),
				NonKeyAttributes: projection.texts("NonKeyAttributes"),
			},
		})
	}
	if view := p.under("StreamSpecification").text("StreamViewType"); view != "" {
		in.StreamSpecification = &types.StreamSpecification{
			StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewType(view),
		}
	}
	table := Table{LogicalID: logicalID, Name: name, Create: in}
	if ttl := p.under("TimeToLiveSpecification"); ttl.text("Enabled") == "true" {
		table.TTL = ttl.text("AttributeName")
	}
	l.template.Tables = append(l.template.Tables, table)
	return nil
}

// keySchema reads the KeySchema of a table or an index.
func keySchema(of properties) []types.KeySchemaElement {
	var keys []types.KeySchemaElement
	for _, key := range of.mappings("KeySchema") {
		keys = append(keys, types.KeySchemaElement{
			AttributeName: aws.String(key.text("AttributeName")),
			KeyType:       types.KeyType(key.text("KeyType")),
		})
	}
	return keys
}
