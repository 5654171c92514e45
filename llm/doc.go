// Package llm is how the deep agent speaks with language models: one interface,
// the same for all providers. A provider is a package below this one.
//
// A [Model] answers a [Request], which is a conversation, with a stream of parts
// whose last one is the whole [Reply]. What has no such last part has not ended
// well, and the stream says so with an error: half an answer is never taken for a
// whole one.
//
// A conversation is plain data that encodes as JSON and can be read back, also
// what a provider wants to see again of its own (signatures of reasoning), so that
// it can be kept and gone on with.
package llm
