//! A server that is killed in the middle of uploads: nothing torn is served, nothing that was
//! acknowledged is lost.
