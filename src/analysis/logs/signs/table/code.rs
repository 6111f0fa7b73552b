//! Versions, libraries and bugs.

use super::super::{Category, Sign, Thing, sign};

pub const SIGNS: &[Sign] = &[
    sign(
        Category::VersionMismatch,
        0.74,
        "Two versions do not fit together {thing}",
        "version mismatch|incompatible version|conflicting dependencies|unsupported class file|class file version|unsupportedclassversion|\
         requires python|requires node|version `glibc|nosuchmethoderror|incompatibleclasschange|unsupported version|\
         protocol version|no matching manifest|incompatible with|version conflict|unsupported engine|abi version|\
         api version not supported|is not compatible|eresolve",
    )
    .about(Thing::Quoted)
    .fix(
        "Compare the versions that the line names and align them; roll back the one that changed last",
        "Pin versions, and test the pair in CI",
    ),
    sign(
        Category::CodeError,
        0.87,
        "A module or library is missing in the program's image: {thing}",
        "no module named|modulenotfounderror|importerror|cannot find module|err_module_not_found|classnotfoundexception|\
         noclassdeffounderror|could not find or load main class|cannot open shared object file|undefined symbol|\
         could not load file or assembly|package does not exist|no required module provides",
    )
    .about(Thing::Quoted)
    .fix("Add {thing} to the dependencies (or the image) and rebuild", "Start the image once in CI"),
    sign(
        Category::CodeError,
        0.85,
        "The program crashed on a bug in its own code",
        "panic: |panicked at|nil pointer dereference|segmentation fault|sigsegv|signal 11|core dumped|stack overflow|\
         stackoverflowerror|sigabrt|double free|assertion `|unhandled exception|unhandledpromiserejection|\
         uncaught exception|fatal error: ",
    )
    .fix(
        "Read the first frame of its own code in the trace; roll back the version that brought it",
        "Test the failing input; alert on restarts",
    ),
    sign(
        Category::CodeError,
        0.8,
        "The program fails with {thing}",
        "nullpointerexception|typeerror|attributeerror|nameerror|indexerror|keyerror|valueerror|assertionerror|\
         runtimeerror|zerodivisionerror|referenceerror|rangeerror|notimplementederror|illegalargumentexception|\
         illegalstateexception|indexoutofbounds|classcastexception|numberformatexception|arithmeticexception|\
         nosuchelement|concurrentmodification|unboundlocalerror|recursionerror|unicodedecodeerror|syntaxerror|\
         indentationerror|nullreferenceexception|formatexception|argumentnullexception|invalidoperationexception|undefined is not|\
         cannot read propert|is not a function|undefined method|no such property|index out of range|index out of bounds|\
         divide by zero|division by zero|invalid memory address",
    )
    .about(Thing::Exception)
    .fix("Read the first frame of its own code in the trace; roll back the version that brought it", "Test the failing input"),
    sign(
        Category::CodeError,
        0.78,
        "The program fails on a bug in its own code",
        "cannot read propert|is not a function|undefined is not|index out of range|index out of bounds|divide by zero|\
         division by zero|invalid memory address|undefined method|assertion failed",
    )
    .fix("Read the first frame of its own code in the trace; roll back the version that brought it", "Test the failing input"),
];
