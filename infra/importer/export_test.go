package importer

// Bound makes files and the sorting smaller than they usually are; 0 leaves them.
func (o *ConvertOptions) Bound(fileBytes int64, pieces int) {
	o.fileBytes, o.pieces = fileBytes, pieces
}
