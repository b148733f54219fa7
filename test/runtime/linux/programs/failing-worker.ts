/** A worker of the data plane that fails before it has carried anything. */
throw new Error('no memory for a thread');
